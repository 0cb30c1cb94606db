"""``pie rules`` and ``pie drain``."""
