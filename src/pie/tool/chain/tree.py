"""The tree of a chain as it is shown: nodes, and calls whose server side nobody logged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pie.model import LOGID_FORM, accept_logid, logid_address

_LOGID = re.compile(rf"(?<![0-9A-Za-z]){LOGID_FORM}(?![0-9A-Za-z])")

FLAGS = {
    "outlives_chain": "ended after the chain's own end: work went on after the answer, or a host's "
    "clock is wrong",
    "before_parent": "claims to have started before its caller did: the hosts' clocks differ",
    "outlives_parent": "claims to have ended after its caller did: the caller did not wait, or the "
    "hosts' clocks differ",
    "callee_took_longer": "was served for longer than its caller waited: the caller gave up, or "
    "the hosts' clocks differ",
    "callee_not_logged": "no record of its server side has arrived: callee no. -1",
    "caller_not_logged": "made by a caller of which no record has arrived: caller no. -1",
    "call_not_logged": "its caller's record of the call is missing: not in the table of calls",
    "orphan": "its caller is not known: it stands at the top level",
    "served_again": "served once more for the same call: the request arrived more than once",
    "duplicate_span": "claims a span id that another node has too: both are shown",
    "cycle": "one of several nodes that name each other as callers: opened at its first node",
    "clamped": "the store moved its time: its host's clock is far off, or it came very late",
    "truncated": "the chain has more records than can be shown at once; these are the first",
    "repeated_rows": "some records were delivered twice; each is shown once",
}


def flag_text(flag: str) -> str:
    """A flag in words; one of a newer platform by its own name."""
    return FLAGS.get(flag, flag.replace("_", " "))


@dataclass(slots=True, eq=False)
class Item:
    """An item of the tree. ``node`` is None for a call whose server side was never logged; ``call``
    is the caller's record of it, if there is one."""

    node: dict[str, Any] | None
    call: dict[str, Any] | None
    children: list["Item"] = field(default_factory=list)

    @property
    def record(self) -> dict[str, Any]:
        """The server's record where there is one, else the caller's."""
        record = self.node or self.call
        assert record is not None, "an item is made of one or the other"
        return record

    @property
    def no(self) -> int:
        """The node's number, -1 without one."""
        return int(self.node["no"]) if self.node else -1

    @property
    def psm(self) -> str:
        """The service that served the call, or should have."""
        return str(self.node["psm"] if self.node else self.record["callee"]) or "?"

    @property
    def start(self) -> float:
        """By the caller's clock where it is known, since that is the one siblings share."""
        return float((self.call or self.record)["offset_ms"])


def build_tree(chain: dict[str, Any]) -> list[Item]:
    """The items at the top level, with all others below them."""
    call_to: dict[int, dict[str, Any]] = {}
    for call in chain["calls"]:
        known = call_to.get(call["callee_no"])
        if known is None or is_whole_of_attempts(known):
            call_to[call["callee_no"]] = call
    items = {node["no"]: Item(node, call_to.get(node["no"])) for node in chain["nodes"]}
    roots: list[Item] = []
    for node in chain["nodes"]:
        parent = items.get(-1 if node["parent_no"] is None else node["parent_no"])
        (parent.children if parent else roots).append(items[node["no"]])
    for call in sorted(chain["calls"], key=lambda call: float(call["offset_ms"])):
        if call["callee_no"] < 0 and not is_whole_of_attempts(call):
            parent = items.get(call["caller_no"])
            _insert(parent.children if parent else roots, Item(None, call))
    return roots


def is_whole_of_attempts(call: dict[str, Any]) -> bool:
    """A call tried more than once has a row for the whole beside the rows of its attempts."""
    return bool(call["attempt"] == 0 and call["attempts"] > 1)


def walk(roots: list[Item]) -> Iterator[tuple[Item, str, str]]:
    """Every item in pre-order, with the lines of the tree before its name and before what hangs
    below it."""
    # Without recursion: a chain may be deeper than Python's stack.
    waiting = [(item, "", "") for item in reversed(roots)]
    while waiting:
        item, before, below = waiting.pop()
        yield item, before, below + ("│  " if item.children else "   ")
        last = item.children[-1:]
        waiting += [
            (child, below + "└─ ", below + "   ")
            if child in last
            else (child, below + "├─ ", below + "│  ")
            for child in reversed(item.children)
        ]


def find_logids(text: str) -> list[str]:
    """The logids in a text, each once; those with a time and an address in them first."""
    found = dict.fromkeys(filter(None, map(accept_logid, _LOGID.findall(text))))
    return sorted(found, key=lambda logid: logid_address(logid) is None)


def _insert(siblings: list[Item], item: Item) -> None:
    """Before the first node called after it; nodes keep their order among themselves."""
    at = next(
        (n for n, other in enumerate(siblings) if other.node and other.start > item.start),
        len(siblings),
    )
    siblings.insert(at, item)
