"""The workspace (runtime root): where it is, what is in it, how it is made and renewed."""
