"""The list of services, and the requests that entered the fleet."""
