"""The platform: the facts of the fleet, the questions asked of them, and the API for both."""
