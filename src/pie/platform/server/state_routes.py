"""The state store over HTTP: the server end of `pie.state.store.remote`. Authentication is the
caller's: include the router with a dependency that demands a token."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pie.model import Failure
from pie.platform.server.door import watching
from pie.state.store import wire
from pie.state.store.history import Subscription
from pie.state.store.interface import Invalid, Kept, LimitExceeded, Range, StoreAway, StoreError
from pie.state.store.memory import MemoryStore

T = TypeVar("T", bound=msgspec.Struct)
Handler = Callable[[T], Awaitable[msgspec.Struct]]


def state_router(store: MemoryStore, *, heartbeat: float = wire.HEARTBEAT_S) -> APIRouter:
    """The routes ``/api/state/{get,range,put,delete,grant,keep_alive,revoke,watch,stream}``.

    Args:
        store: the engine; its owner also expires leases and closes it.
        heartbeat: seconds between two lines of a quiet watch.
    """
    router = APIRouter(prefix=wire.PATH, tags=["state"])

    def route(name: str, body: type[T], reply: type[msgspec.Struct], handler: Handler[T]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                answer = await handler(await _read(request, body))
                return _json(200, answer)
            except StoreError as error:
                return _refusal(error)

        endpoint.__doc__ = handler.__doc__
        router.add_api_route(
            f"/{name}", endpoint, methods=["POST"], name=f"state_{name}", **_schema(body, reply)
        )

    async def get(ask: wire.KeyRequest) -> wire.GetReply:
        """One entry, null if there is none."""
        return wire.GetReply(store.get(ask.key))

    async def range_(ask: wire.RangeRequest) -> Range:
        """Every entry under a prefix, at one revision."""
        return await run_in_threadpool(store.range, ask.prefix)

    async def put(ask: wire.PutRequest) -> wire.Done:
        """Write durably; with `expect` only if the key is at that revision."""

        def write() -> int:
            return store.put(ask.key, ask.value, lease=ask.lease, expect=ask.expect)

        return wire.Done(await run_in_threadpool(write))

    async def delete(ask: wire.DeleteRequest) -> wire.Done:
        """Delete; revision 0 if there was nothing."""

        def write() -> int:
            return store.delete(ask.key, expect=ask.expect)

        return wire.Done(await run_in_threadpool(write))

    async def grant(ask: wire.GrantRequest) -> wire.LeaseMessage:
        """A new lease of `ttl` seconds."""
        return wire.LeaseMessage(await run_in_threadpool(store.grant, ask.ttl))

    async def keep_alive(ask: wire.KeepAliveRequest) -> Kept:
        """A full TTL for each lease; which of them are gone."""
        # Memory only, so not behind the writes that wait for the disk in the thread pool: a busy
        # disk must not cost a living service its lease.
        return store.keep_alive(ask.leases)

    async def revoke(ask: wire.LeaseMessage) -> wire.Empty:
        """End a lease and delete its keys."""
        await run_in_threadpool(store.revoke, ask.lease)
        return wire.Empty()

    route("get", wire.KeyRequest, wire.GetReply, get)
    route("range", wire.RangeRequest, Range, range_)
    route("put", wire.PutRequest, wire.Done, put)
    route("delete", wire.DeleteRequest, wire.Done, delete)
    route("grant", wire.GrantRequest, wire.LeaseMessage, grant)
    route("keep_alive", wire.KeepAliveRequest, Kept, keep_alive)
    route("revoke", wire.LeaseMessage, wire.Empty, revoke)

    @router.post("/watch", name="state_watch", **_schema(wire.WatchRequest, wire.Line))
    async def watch(request: Request) -> Response:
        """Every change under a prefix: one JSON object a line, a heartbeat when it is quiet."""
        try:
            ask = await _read(request, wire.WatchRequest)
            news = asyncio.Event()
            subscription = store.subscribe(ask.prefix, ask.after, _waker(news))
        except StoreError as error:
            return _refusal(error)
        return _WatchResponse(subscription, news, heartbeat)

    @router.post("/stream", name="state_stream", **_schema(wire.StreamRequest, wire.Line))
    async def stream(request: Request) -> Response:
        """Every change under many prefixes, each from its own revision on; lines as of `watch`."""
        try:
            ask = await _read(request, wire.StreamRequest)
            news = asyncio.Event()
            subscription = store.subscribe_all(ask.prefixes, (), _waker(news))
        except StoreError as error:
            return _refusal(error)
        return _WatchResponse(subscription, news, heartbeat)

    return router


class _WatchResponse(StreamingResponse):
    """Streams a subscription, and closes it however the connection ends.

    No thread and no queue per watcher: a slow one keeps its position in the shared history until
    that position is dropped.
    """

    def __init__(self, subscription: Subscription, news: asyncio.Event, heartbeat: float) -> None:
        super().__init__(_lines(subscription, news, heartbeat), media_type=wire.NDJSON)
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with watching(scope):
                await super().__call__(scope, receive, send)
        except Failure as failure:  # Of the door: nothing has been sent.
            await _refusal(StoreAway(failure.message))(scope, receive, send)
        finally:
            self._subscription.close()


async def _lines(
    subscription: Subscription, news: asyncio.Event, heartbeat: float
) -> AsyncIterator[bytes]:
    due = True  # the first line is sent at once: it holds the revision
    while True:
        news.clear()
        try:
            batch = subscription.take()
        except StoreError as error:
            yield msgspec.json.encode(wire.Line(0, (), wire.error_body(error))) + b"\n"
            return
        if batch.events or due:
            yield msgspec.json.encode(wire.line_of(batch)) + b"\n"
        due = False
        if not batch.events:
            try:
                await asyncio.wait_for(news.wait(), heartbeat)
            except TimeoutError:
                due = True


def _waker(news: asyncio.Event) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def wake() -> None:
        # A closed loop has no watcher left to wake.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    return wake


async def _read(request: Request, kind: type[T]) -> T:
    """The request's body, bounded and checked.

    Raises:
        LimitExceeded: it is too long.
        Invalid: it is not the JSON that the route takes.
    """
    chunks = bytearray()
    try:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > wire.MAX_REQUEST:
                raise LimitExceeded(f"the request is longer than {wire.MAX_REQUEST} bytes")
    except ClientDisconnect:
        raise Invalid("the sender left before its request was complete") from None
    try:
        return msgspec.json.decode(chunks, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(f"{request.url.path} did not understand its body: {error}") from None


def _json(status: int, body: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _refusal(error: StoreError) -> Response:
    return _json(error.code, wire.ErrorReply(wire.error_body(error)))


def _schema(body: type[msgspec.Struct], reply: type[msgspec.Struct]) -> dict[str, Any]:
    """The part of /openapi.json about a route."""
    return {
        "response_model": None,
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": _typed(body)}}
        },
        "responses": {200: {"description": "OK", "content": {"application/json": _typed(reply)}}},
    }


def _typed(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A media type whose schema refers to nothing outside itself."""
    (reference,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    return {"schema": _inlined(reference, components)}


def _inlined(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, components) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(components[schema["$ref"]], components)
    return {name: _inlined(part, components) for name, part in schema.items()}
