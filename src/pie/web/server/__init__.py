"""HTTP/1.1 on the loop in C."""
