"""Search tasks: log searches that run by themselves."""
