"""Thrift RPC: a server of Calls, and typed clients that find their service by its PSM."""

from pie.rpc.callee_file import CalleeError
from pie.rpc.channel import Channel
from pie.rpc.describe import describe
from pie.rpc.options import ServerOptions
from pie.rpc.server import ThriftServer
from pie.rpc.stub import ServiceClient, over

__all__ = [
    "CalleeError",
    "Channel",
    "ServerOptions",
    "ServiceClient",
    "ThriftServer",
    "describe",
    "over",
]
