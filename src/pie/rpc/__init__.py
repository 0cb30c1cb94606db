"""Thrift RPC: a server of Calls, and typed clients that find their service by its PSM."""

from pie.rpc.client.async_channel import AsyncChannel
from pie.rpc.client.callee import Asked
from pie.rpc.client.callee_file import CalleeError
from pie.rpc.client.channel import Channel
from pie.rpc.client.link import TLS, PoolLimits
from pie.rpc.client.options import Made, options
from pie.rpc.describe import describe
from pie.rpc.server.options import ServerOptions
from pie.rpc.server.server import ThriftServer, thrift_speakers
from pie.rpc.stub import AsyncServiceClient, ServiceClient, over
from pie.rpc.wire.business import BusinessError, BusinessStatus

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
    "thrift_speakers",
]
