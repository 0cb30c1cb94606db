"""Search in the log lines: query grammar, its SQL, search, tail, tasks, and logs of clients."""
