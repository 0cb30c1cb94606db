"""The entries of a service in the registry, made and kept up to date."""
