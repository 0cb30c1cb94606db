"""Registration and discovery of instances, on the key-value store."""
