"""``pie logs``."""
