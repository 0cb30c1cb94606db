"""Thrift RPC: a server of Calls, and typed clients that find their service by its PSM."""

from pie.rpc.async_channel import AsyncChannel
from pie.rpc.business import BusinessError, BusinessStatus
from pie.rpc.call_options import Made, options
from pie.rpc.callee import Asked
from pie.rpc.callee_file import CalleeError
from pie.rpc.channel import Channel
from pie.rpc.describe import describe
from pie.rpc.link import TLS, PoolLimits
from pie.rpc.server import ThriftServer
from pie.rpc.server_options import ServerOptions
from pie.rpc.stub import AsyncServiceClient, ServiceClient, over

__all__ = [
    "TLS",
    "Asked",
    "AsyncChannel",
    "AsyncServiceClient",
    "BusinessError",
    "BusinessStatus",
    "CalleeError",
    "Channel",
    "Made",
    "PoolLimits",
    "ServerOptions",
    "ServiceClient",
    "ThriftServer",
    "describe",
    "options",
    "over",
]
