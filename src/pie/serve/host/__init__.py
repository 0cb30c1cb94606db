"""The hosts of a service: the process alone, or uWSGI; and the HTTP server of the first."""
