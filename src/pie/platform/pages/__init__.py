"""The pages of the platform: one folder each, found by listing this one."""
