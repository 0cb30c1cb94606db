"""``pie chain``."""
