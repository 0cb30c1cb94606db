"""One service: what it registered, and its calls."""
