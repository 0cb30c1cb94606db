"""Pie: the runtime that makes a plain Python service a member of a fleet."""

__version__ = "0.1.0"
