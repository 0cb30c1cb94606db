"""Output of commands in a terminal, and their connection to the platform."""
