"""Serving: what a bootstrap.py or a script calls, and the life of the process behind it."""

from pie.serve.run import django, flask, script, thrift

__all__ = ["django", "flask", "script", "thrift"]
