"""Thrift RPC: a server of Calls, and typed clients that find their service by its PSM."""

from pie.rpc.client import client
from pie.rpc.describe import describe
from pie.rpc.server import ServerOptions, ThriftServer

__all__ = ["ServerOptions", "ThriftServer", "client", "describe"]
