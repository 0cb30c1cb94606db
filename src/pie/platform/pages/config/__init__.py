"""Dynamic config of a service: what is in force where, since when, by whom; and publishing it."""
