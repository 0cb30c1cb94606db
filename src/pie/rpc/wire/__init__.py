"""What client and server say to each other: metadata, conversation, business status."""
