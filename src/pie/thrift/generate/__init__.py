"""A checked IDL program to the Python modules that stand for it."""

from pie.thrift.generate.modules import generate

__all__ = ["generate"]
