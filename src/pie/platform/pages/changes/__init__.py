"""Everything that people and releases changed, in one stream."""
