"""The governance of a service: its rules, what they do, and changing them."""
