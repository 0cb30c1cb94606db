"""The watched key-value store: the interface and its backends."""
