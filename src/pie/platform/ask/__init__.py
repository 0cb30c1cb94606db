"""What several pages need to question the column store."""
