"""The command ``pie serve``."""
