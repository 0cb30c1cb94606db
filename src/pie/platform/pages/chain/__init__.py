"""One call chain."""
