"""The platform: stores what the fleet observes, answers questions about it, serves the pages."""
