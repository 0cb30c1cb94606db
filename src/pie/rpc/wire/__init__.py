"""What client and server exchange: metadata, messages, business status, refusals."""
