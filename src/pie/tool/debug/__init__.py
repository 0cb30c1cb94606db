"""``pie debug``."""
