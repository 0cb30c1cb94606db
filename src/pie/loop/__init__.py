"""The loop of a server, whatever its protocols: connections, threads, and the bounds of both."""
