"""Observed facts in a column store: schema, ingest, questions."""
