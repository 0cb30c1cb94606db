"""The state store over HTTP: the server end of `pie.state.store.remote`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pie.model import Failure
from pie.platform.govern.shares import ShareLedger
from pie.platform.server.door import watching
from pie.platform.server.state_access import Access, visible
from pie.platform.server.state_bounds import RangeBound, Threads, some_ranges
from pie.state.store import wire
from pie.state.store.history import Subscription
from pie.state.store.interface import (
    Batch,
    Invalid,
    Kept,
    LimitExceeded,
    Range,
    Refused,
    StoreAway,
    StoreError,
)
from pie.state.store.served import ServedStore

T = TypeVar("T", bound=msgspec.Struct)
Handler = Callable[[T, Access], Awaitable[msgspec.Struct]]
AccessOf = Callable[[Request], Access]
Route = Callable[[str, type[Any], type[msgspec.Struct], Handler[Any]], None]


def state_router(
    store: ServedStore, access_of: AccessOf, *, heartbeat: float = wire.HEARTBEAT_S
) -> APIRouter:
    """The routes under ``/api/state``: one for each method of `Store`.

    Args:
        store: the engine; its owner also expires leases and closes it.
        access_of: what a request may do; raises Failure if nothing.
        heartbeat: seconds between two lines of a quiet watch.
    """
    router = APIRouter(prefix=wire.PATH, tags=["state"])
    writes, keeps = Threads(), Threads()

    def route(name: str, body: type[T], reply: type[msgspec.Struct], handler: Handler[T]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                access = access_of(request)
                answer = await handler(await _read(request, body), access)
                return _json(200, answer)
            except StoreError as error:
                return _refusal(error)

        endpoint.__doc__ = handler.__doc__
        router.add_api_route(
            f"/{name}", endpoint, methods=["POST"], name=f"state_{name}", **_schema(body, reply)
        )

    _add_reads(route, store, writes)

    async def put(ask: wire.PutRequest, access: Access) -> wire.Done:
        """Write durably; with `expect` only if the key is at that revision, with `claim` only if
        nobody else holds it."""
        access.check_put(ask)

        def write() -> int:
            return store.put(
                ask.key,
                ask.value,
                lease=ask.lease,
                expect=ask.expect,
                claim=ask.claim,
                heir_of=ask.heir_of,
            )

        return wire.Done(await writes.run(write))

    async def delete(ask: wire.DeleteRequest, access: Access) -> wire.Done:
        """Delete; revision 0 if there was nothing."""
        access.check_delete(ask.key)

        def write() -> int:
            return store.delete(ask.key, expect=ask.expect)

        return wire.Done(await writes.run(write))

    async def commit(ask: wire.CommitRequest, access: Access) -> wire.Done:
        """All writes at one revision, or none; only if every key in `expect` is at its revision."""
        access.check_commit(ask)

        def write() -> int:
            return store.commit(ask.writes, expect=ask.expect)

        return wire.Done(await writes.run(write))

    async def grant(ask: wire.GrantRequest, access: Access) -> wire.LeaseMessage:
        """A new lease of `ttl` seconds."""
        access.check_grant(ask.ttl)
        return wire.LeaseMessage(await writes.run(lambda: store.grant(ask.ttl)))

    async def keep_alive(ask: wire.KeepAliveRequest, _access: Access) -> Kept:
        """A full TTL for each lease; which of them are gone."""
        # Not behind the writes that wait for a disk: it must not cost a living service its lease.
        if not store.remote:
            return store.keep_alive(ask.leases)
        return await keeps.run(lambda: store.keep_alive(ask.leases))

    async def revoke(ask: wire.LeaseMessage, _access: Access) -> wire.Empty:
        """End a lease and delete its keys."""
        await writes.run(lambda: store.revoke(ask.lease))
        return wire.Empty()

    route("put", wire.PutRequest, wire.Done, put)
    route("delete", wire.DeleteRequest, wire.Done, delete)
    route("commit", wire.CommitRequest, wire.Done, commit)
    route("grant", wire.GrantRequest, wire.LeaseMessage, grant)
    route("keep_alive", wire.KeepAliveRequest, Kept, keep_alive)
    route("revoke", wire.LeaseMessage, wire.Empty, revoke)

    _add_shares(route)
    _add_watches(router, store, access_of, heartbeat, keeps)
    return router


def _add_shares(route: Route) -> None:
    ledger = ShareLedger()

    async def shares(ask: wire.SharesRequest, access: Access) -> wire.SharesReply:
        """Report demand for limits of a whole service; answers with parts of them."""
        access.check_shares(ask.psm)
        return ledger.report(ask)

    route("shares", wire.SharesRequest, wire.SharesReply, shares)


def _add_reads(route: Route, store: ServedStore, threads: Threads) -> None:
    """The routes that answer with entries."""
    bound = RangeBound()

    async def get(ask: wire.KeyRequest, access: Access) -> wire.GetReply:
        """One entry, null if there is none."""
        access.check_prefix(ask.key)
        entry = (
            await threads.run(lambda: store.get(ask.key)) if store.remote else store.get(ask.key)
        )
        seen = entry is not None and access.reads(ask.key)
        return wire.GetReply(access.shown(entry) if entry is not None and seen else None)

    async def range_(ask: wire.RangeRequest, access: Access) -> Range:
        """Every entry under a prefix, at one revision."""
        access.check_prefix(ask.prefix)
        bound.admit()
        return visible(await threads.run(lambda: store.range(ask.prefix)), access)

    async def ranges_(ask: wire.RangesRequest, access: Access) -> wire.RangesReply:
        """Every entry under each of many prefixes, each at a revision of its own."""
        bound.admit()
        followed, refused = _allowed(dict.fromkeys(ask.prefixes, 0), access)
        found = await threads.run(lambda: some_ranges(store, list(followed)))
        return wire.RangesReply(
            {prefix: visible(each, access) for prefix, each in found.found.items()},
            wire.refused_prefixes((*refused, *found.refused)),
        )

    route("get", wire.KeyRequest, wire.GetReply, get)
    route("range", wire.RangeRequest, Range, range_)
    route("ranges", wire.RangesRequest, wire.RangesReply, ranges_)


def _add_watches(
    router: APIRouter,
    store: ServedStore,
    access_of: AccessOf,
    heartbeat: float,
    threads: Threads,
) -> None:
    """The two routes whose answers are streams."""

    @router.post("/watch", name="state_watch", **_schema(wire.WatchRequest, wire.Line))
    async def watch(request: Request) -> Response:
        """Every change under a prefix: one JSON object a line, a heartbeat when it is quiet."""
        try:
            access = access_of(request)
            ask = await _read(request, wire.WatchRequest)
            access.check_prefix(ask.prefix)
            await _reach(store, ask.after or 0, threads)
            news = asyncio.Event()
            subscription = store.subscribe(ask.prefix, ask.after, _waker(news))
        except StoreError as error:
            return _refusal(error)
        return _WatchResponse(subscription, news, heartbeat, access)

    @router.post("/stream", name="state_stream", **_schema(wire.StreamRequest, wire.Line))
    async def stream(request: Request) -> Response:
        """Every change under many prefixes, each from its own revision on; lines as of `watch`."""
        try:
            access = access_of(request)
            ask = await _read(request, wire.StreamRequest)
            await _reach(store, max(ask.prefixes.values(), default=0), threads)
            news = asyncio.Event()
            followed, refused = _allowed(ask.prefixes, access)
            subscription = store.subscribe_all(followed, refused, _waker(news))
        except StoreError as error:
            return _refusal(error)
        return _WatchResponse(subscription, news, heartbeat, access)


async def _reach(store: ServedStore, revision: int, threads: Threads) -> None:
    """A follower that comes from another platform may be some milliseconds ahead of this one."""
    if store.remote and store.revision < revision:
        await threads.run(lambda: store.reach(revision))


class _WatchResponse(StreamingResponse):
    """Streams a subscription, and closes it however the connection ends.

    No thread and no queue per watcher: a slow one keeps its position in the shared history until
    that position is dropped.
    """

    def __init__(
        self, subscription: Subscription, news: asyncio.Event, heartbeat: float, access: Access
    ) -> None:
        super().__init__(_lines(subscription, news, heartbeat, access), media_type=wire.NDJSON)
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
    subscription: Subscription, news: asyncio.Event, heartbeat: float, access: Access
) -> AsyncIterator[bytes]:
    due = True  # the first line is sent at once: it holds the revision
    while True:
        news.clear()
        try:
            batch = subscription.take()
        except StoreError as error:
            yield msgspec.json.encode(wire.Line(0, (), wire.error_body(error))) + b"\n"
            return
        line = _shown(batch, access)
        if line.events or due:
            yield msgspec.json.encode(wire.line_of(line)) + b"\n"
        due = False
        if not batch.events:
            try:
                await asyncio.wait_for(news.wait(), heartbeat)
            except TimeoutError:
                due = True


def _shown(batch: Batch, access: Access) -> Batch:
    seen = tuple(access.shown(each) for each in batch.events if access.reads(each.key))
    return batch._replace(events=seen)


def _allowed(
    prefixes: Mapping[str, int], access: Access
) -> tuple[dict[str, int], tuple[Refused, ...]]:
    """The prefixes that may be followed, and the others with the reason."""
    followed: dict[str, int] = {}
    refused: list[Refused] = []
    for prefix, after in prefixes.items():
        try:
            access.check_prefix(prefix)
        except StoreError as error:
            refused.append(Refused(prefix, error))
        else:
            followed[prefix] = after
    return followed, tuple(refused)


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
