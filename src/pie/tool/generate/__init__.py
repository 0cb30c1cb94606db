"""Code generation: what ``pietool`` plans, and how it is written."""
