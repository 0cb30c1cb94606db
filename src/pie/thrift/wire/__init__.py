"""Frames, headers and messages: what stands around a struct on the wire."""
