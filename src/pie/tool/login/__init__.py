"""``pie login``, ``pie logout`` and ``pie whoami``."""
