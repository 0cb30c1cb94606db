"""Files that commands write: plans, templates, and what a person has edited since."""
