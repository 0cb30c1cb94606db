"""Answers in JSON leave under gzip, or as "not modified" when the client has them already."""

import zlib

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEAST = 1024
"""Bytes from which packing pays."""
_LONG = 64 << 10
"""Bytes from which packing takes milliseconds: a thread does it, other requests go on."""
_LEVEL = 4
"""Of zlib: a third of the default level's time for a tenth more bytes, measured on long chains."""


class Encoding:
    """ASGI middleware. It leaves streams alone: an answer of unknown length passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        head: Message = {}

        async def encoded(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                if _is_whole_json(Headers(raw=message["headers"])):
                    head = message
                else:
                    await send(message)
                return
            if head:
                started, head = head, {}
                message["body"] = await _finish(started, message.get("body", b""), asked)
                await send(started)
            await send(message)

        await self._app(scope, receive, encoded)


def _is_whole_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "")
    return (
        kind.startswith("application/json")
        and "content-length" in headers
        and "content-encoding" not in headers
    )


async def _finish(start: Message, body: bytes, asked: Headers) -> bytes:
    """Complete the head of the answer; the body to send with it."""
    headers = MutableHeaders(raw=start["headers"])
    start["headers"] = headers.raw
    headers.add_vary_header("Accept-Encoding")
    etag = headers.get("etag")
    if start["status"] == 200 and etag and asked.get("if-none-match") == etag:
        start["status"] = 304
        del headers["content-length"]
        return b""
    if len(body) < _LEAST or not _takes_gzip(asked.get("accept-encoding", "")):
        return body
    packed = _pack(body) if len(body) < _LONG else await run_in_threadpool(_pack, body)
    headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(packed))
    return packed


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, parameter = each.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _pack(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()
