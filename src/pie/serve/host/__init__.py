"""Who runs the process of a service: it alone, or uWSGI; and what serves HTTP in it."""
