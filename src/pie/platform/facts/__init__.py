"""The process that owns the column store: schema, ingest, and the parent's end of it."""
