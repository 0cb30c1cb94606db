"""``pie psm``."""
