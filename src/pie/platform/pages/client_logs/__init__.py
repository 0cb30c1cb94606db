"""Log entries of browsers and apps."""
