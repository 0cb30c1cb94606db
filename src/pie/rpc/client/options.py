"""Per-call options: ``with pie.rpc.options(timeout=0.2) as made: client.GetItem(…)``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from pie.model import (
    TRAFFIC,
    TRAFFIC_CLASSES,
    Call,
    TrafficClass,
    split_transport,
    static_endpoint,
)
from pie.rpc.wire.business import BusinessStatus


class Made:
    """The outcome of the calls made inside a ``with options(…) as made`` block.

    It is that of the call that ended last, be it an answer or a failure.
    """

    __slots__ = ("business", "call")

    def __init__(self) -> None:
        self.call: Call | None = None
        """The call with its logid, peer, attempts and notes; None before the first one."""
        self.business: BusinessStatus | None = None
        """The business outcome, where the callee gave one other than success."""

    @property
    def backward(self) -> Mapping[str, str]:
        """Values that the callee sent back beside its answer; empty if there are none."""
        return {} if self.call is None else self.call.backward


class Options(NamedTuple):
    """Options in force; empty or None where none was given."""

    timeout: float | None = None
    to_cluster: str = ""
    pinned: str = ""
    retries: int | None = None
    detached: bool = False
    persist: Mapping[str, str] = {}
    transit: Mapping[str, str] = {}
    lane: str = ""
    made: tuple[Made, ...] = ()
    """One for each block around the call."""

    def report(self, call: Call, business: BusinessStatus | None) -> None:
        """Give a call that ended to the blocks around it."""
        for each in self.made:
            each.call, each.business = call, business


_NAME = re.compile(r"[A-Za-z0-9_.:@+-]{1,128}")
_MAX_BYTES = 60_000
"""Of a key or value of metadata: a header of the wire holds 65,535, with the prefix of the key."""

current_options: ContextVar[Options | None] = ContextVar("pie_call_options", default=None)


@contextmanager
def options(
    *,
    timeout: float | None = None,
    to_cluster: str = "",
    pinned: str = "",
    retries: int | None = None,
    detached: bool | None = None,
    persist: Mapping[str, str] | None = None,
    transit: Mapping[str, str] | None = None,
    lane: str = "",
    traffic: TrafficClass | None = None,
) -> Iterator[Made]:
    """Options for the calls that this thread or coroutine makes inside the block.

    A block inside another one changes the options that it names, and no others.

    Args:
        timeout: seconds for a call with all its attempts.
        to_cluster: cluster to call.
        pinned: ``host:port`` or ``unix:/path`` of the instance to call; with ``/framed`` (or
            another transport) behind it if it is not registered.
        retries: attempts after the first, for requests that were never sent.
        detached: the deadline of the call being served does not end these.
        persist: metadata for every hop downstream: texts, each key and value up to 60,000 bytes of
            UTF-8.
        transit: metadata for the next hop only; as ``persist``.
        lane: environment lane of the calls, and of all that are made to serve them.
        traffic: class of traffic of the calls, and of all that are made to serve them: ``test`` or
            ``stress``.

    Raises:
        TypeError: metadata is no mapping of texts.
        ValueError: an option is out of range or malformed.
    """
    _check(timeout, pinned, retries)
    outer = current_options.get() or Options()
    made = Made()
    inner = Options(
        outer.timeout if timeout is None else timeout,
        to_cluster or outer.to_cluster,
        pinned or outer.pinned,
        outer.retries if retries is None else retries,
        outer.detached if detached is None else detached,
        {**outer.persist, **_metadata("persist", persist), **_traffic(traffic)},
        {**outer.transit, **_metadata("transit", transit)},
        _lane(lane) or outer.lane,
        (*outer.made, made),
    )
    token = current_options.set(inner)
    try:
        yield made
    finally:
        current_options.reset(token)


def _check(timeout: float | None, pinned: str, retries: int | None) -> None:
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout={timeout} is not a number of seconds above 0")
    if retries is not None and not 0 <= retries <= 100:
        raise ValueError(f"retries={retries} is not in 0..100")
    if pinned:
        try:
            address, _ = split_transport(pinned)
            static_endpoint(address, "", "")
        except ValueError as error:
            raise ValueError(f"pinned={pinned!r}: {error}") from None


def _lane(lane: str) -> str:
    if lane and not _NAME.fullmatch(lane):
        raise ValueError(
            f"lane={lane!r:.200} is not a name: use 1 to 128 of letters, digits and _ . : @ + -"
        )
    return lane


def _traffic(traffic: TrafficClass | None) -> dict[str, str]:
    """The class of traffic as metadata that persists."""
    if traffic is None:
        return {}
    if traffic not in TRAFFIC_CLASSES:
        raise ValueError(f"traffic={traffic!r:.200} is not one of {', '.join(TRAFFIC_CLASSES)}")
    return {TRAFFIC: traffic}


def _metadata(option: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """The metadata of an option, as plain texts."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{option}={given!r} is not a mapping of texts")
    return {
        _text(f"a key of {option}", key): _text(f"{option}[{key!r:.100}]", value)
        for key, value in given.items()
    }


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {value!r:.100}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} is no valid Unicode: {value!r:.100}") from None
    if size > _MAX_BYTES:
        raise ValueError(f"{what} has {size} bytes, at most {_MAX_BYTES} fit")
    return str.__str__(value)
