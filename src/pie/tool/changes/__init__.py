"""``pie changes``."""
