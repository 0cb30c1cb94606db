"""What a service registers about itself, and keeps up to date."""
