"""The settings of a service: keys, sources, command line. Pure."""
