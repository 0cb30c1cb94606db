"""``pie people``."""
