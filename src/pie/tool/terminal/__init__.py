"""How commands speak in a terminal, and how they reach the platform."""
