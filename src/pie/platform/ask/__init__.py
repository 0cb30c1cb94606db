"""What questions to the facts have in common."""
