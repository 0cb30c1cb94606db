"""Code generation by ``pietool``."""
