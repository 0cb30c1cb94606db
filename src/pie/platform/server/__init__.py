"""The platform's process: start, people and tokens, the HTTP application."""
