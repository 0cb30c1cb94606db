"""Thrift's interface language: text to a checked tree. Files come through a given loader."""
