"""``pie call``."""
