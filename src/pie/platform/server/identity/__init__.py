"""Who is asking: people, their tokens and sessions."""
