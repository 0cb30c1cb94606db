"""``pie state``: how the store of desired state is, and a copy of what it holds."""
