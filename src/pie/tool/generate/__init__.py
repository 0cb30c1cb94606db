"""Code generation by ``pietool``: plans, templates, and writing files."""
