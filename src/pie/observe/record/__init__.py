"""Call records and edges: a finished call as rows and lines, and the writer of both."""
