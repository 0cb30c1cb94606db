"""Frames, headers and messages: the bytes around a struct on the wire."""
