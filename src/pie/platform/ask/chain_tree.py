"""From the rows of one logid to the tree that its servers saw. Pure: rows in, nodes out.

Nothing that was recorded is dropped: what contradicts itself (a child outside its parent in time, a
caller nobody logged, spans that form a circle) is kept and flagged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pie.observe.facts.rows import CallRow
from pie.platform.ask.outcomes import SERVED

SKEW_MS = 1.0
"""Contradictions up to this many milliseconds are the resolution of two clocks, not news."""


@dataclass(slots=True, eq=False)
class Node:
    """A server's row, or a script with the rows of its entry calls.

    Nodes are numbered in pre-order; ``depth`` is 0 at the top. An orphan's caller is not known.
    """

    row: CallRow
    start: float
    end: float
    script: bool = False
    outcome: str = "ok"
    parent: "Node | None" = None
    orphan: bool = False
    children: list["Node"] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    no: int = -1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class ChainTree:
    """Numbered nodes in pre-order, and the callers' rows by time; times are Unix seconds.

    ``repeated`` says that rows came more than once and were left out.
    """

    nodes: list[Node]
    calls: list[CallRow]
    start: float
    end: float
    repeated: bool
    _spans: "_Spans"
    _callees: dict[str, Node]

    @property
    def call_count(self) -> int:
        """Logical calls: attempts are not counted."""
        return sum(1 for row in self.calls if row.attempt == 0)

    def caller_of(self, row: CallRow) -> Node | None:
        """The node that a caller's row was made in; None if that was not logged."""
        return self._spans.caller_of(row)

    def callee_of(self, row: CallRow) -> Node | None:
        """The node that served a caller's row; None if that was not logged."""
        return self._callees.get(row.span_id) if row.span_id else None


@dataclass(frozen=True, slots=True)
class _Spans:
    """Who is who by span: nodes, callers' rows, and scripts by their process."""

    nodes: dict[str, Node]
    calls: dict[str, CallRow]
    scripts: dict[tuple[str, str], Node]

    def caller_of(self, row: CallRow) -> Node | None:
        """The node a caller's row was made in: through its logical call, if it is an attempt."""
        passed: set[str] = set()
        while row.parent_id:
            node = self.nodes.get(row.parent_id)
            if node is not None:
                return node
            outer = self.calls.get(row.parent_id)
            if outer is None or outer.span_id in passed or not row.attempt:
                return None
            passed.add(outer.span_id)
            row = outer
        return self.scripts.get(_process(row))

    def call_to(self, node: Node) -> CallRow | None:
        """The caller's row of a served call, if it was logged.

        A span of Pie is one side of a call, and the server's names the client's as its parent. With
        other tracers the two sides share one span, and its parent is the span of the caller.
        """
        shared = self.calls.get(node.row.span_id)
        if shared is not None:
            return shared
        return None if node.row.parent_id in self.nodes else self.calls.get(node.row.parent_id)


def build_tree(rows: Sequence[CallRow]) -> ChainTree:
    """The tree of at least one row of a logid, in any order, of both sides."""
    servers, clients, repeated = _without_repeats(rows)
    nodes = [_server_node(row) for row in servers]
    by_span = _by_span(nodes)
    scripts = _script_nodes(clients)
    spans = _Spans(by_span, {row.span_id: row for row in clients if row.span_id}, scripts)
    nodes += scripts.values()

    for node in nodes:
        if not node.script and node.row.parent_id:
            _attach(node, spans)
    ordered = _number(nodes)

    # A logid may enter the fleet more than once: the chain is all of it, not its first entry.
    entries = [node for node in ordered if node.parent is None and not node.orphan] or ordered
    start = min((node.start for node in entries), default=0.0)
    end = max((node.end for node in entries), default=0.0)
    if not entries:
        start, end = min(row.ts for row in clients), max(map(end_of, clients))
    for node in ordered:
        _flag_times(node, end)
    return ChainTree(
        nodes=ordered,
        calls=sorted(clients, key=lambda row: (row.ts, row.attempt)),
        start=start,
        end=end,
        repeated=repeated,
        _spans=spans,
        _callees=_callees(ordered, clients, spans),
    )


def end_of(row: CallRow) -> float:
    """When a call ended, in Unix seconds."""
    return row.ts + row.duration_us / 1e6


def _without_repeats(rows: Sequence[CallRow]) -> tuple[list[CallRow], list[CallRow], bool]:
    """Server rows and client rows by time, each recorded call once."""
    seen: set[tuple[object, ...]] = set()
    servers: list[CallRow] = []
    clients: list[CallRow] = []
    repeated = False
    for row in sorted(rows, key=lambda row: row.ts):
        # A sender without positions may deliver a row twice; two calls never agree in all this.
        key = (row.side, row.span_id, row.attempt, row.psm, row.callee, row.method, row.ts)
        if row.span_id and key in seen:
            repeated = True
            continue
        seen.add(key)
        (servers if row.side == "server" else clients).append(row)
    return servers, clients, repeated


def _server_node(row: CallRow) -> Node:
    return Node(row, row.ts, end_of(row), outcome=row.outcome)


def _by_span(nodes: list[Node]) -> dict[str, Node]:
    by_span: dict[str, Node] = {}
    for node in nodes:
        span = node.row.span_id
        if span and by_span.setdefault(span, node) is not node:
            node.flags.append("duplicate_span")
    return by_span


def _script_nodes(clients: list[CallRow]) -> dict[tuple[str, str], Node]:
    """One node for each process that made calls without serving one."""
    scripts: dict[tuple[str, str], Node] = {}
    for row in clients:
        if row.parent_id:
            continue
        node = scripts.get(_process(row))
        if node is None:
            node = scripts[_process(row)] = Node(row, row.ts, end_of(row), script=True)
        node.end = max(node.end, end_of(row))
        if node.outcome in SERVED:
            node.outcome = row.outcome
    return scripts


def _process(row: CallRow) -> tuple[str, str]:
    return (row.psm, row.instance or row.host)


def _attach(node: Node, spans: _Spans) -> None:
    """Find a served call's parent; without one it is at the top, flagged."""
    call = spans.call_to(node)
    if call is not None:
        parent = spans.caller_of(call)
    else:
        parent = spans.nodes.get(node.row.parent_id)
        if parent is not None:
            node.flags.append("call_not_logged")
    if parent is None or parent is node:
        node.orphan = True
        node.flags.append("orphan")
    else:
        node.parent = parent


def _number(nodes: list[Node]) -> list[Node]:
    """All nodes in pre-order, siblings by start, numbered; circles are opened at their first."""
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    ordered: list[Node] = []
    roots = [node for node in nodes if node.parent is None]
    roots.sort(key=lambda node: (node.orphan, not node.script, node.start))
    for root in roots:
        _walk(root, ordered)
    if len(ordered) < len(nodes):
        for node in sorted(nodes, key=lambda node: node.start):
            if node.no < 0:
                assert node.parent is not None, "a root was numbered above"
                node.parent.children.remove(node)
                node.parent, node.orphan = None, True
                node.flags.append("cycle")
                _walk(node, ordered)
    return ordered


def _walk(root: Node, ordered: list[Node]) -> None:
    stack = [root]
    while stack:
        node = stack.pop()
        node.no = len(ordered)
        node.depth = 0 if node.parent is None else node.parent.depth + 1
        ordered.append(node)
        stack.extend(sorted(node.children, key=lambda child: child.start, reverse=True))


def _flag_times(node: Node, chain_end: float) -> None:
    skew = SKEW_MS / 1000
    if node.end > chain_end + skew:
        node.flags.append("outlives_chain")
    if node.parent is not None:
        if node.start < node.parent.start - skew:
            node.flags.append("before_parent")
        if node.end > node.parent.end + skew:
            node.flags.append("outlives_parent")


def _callees(ordered: list[Node], clients: list[CallRow], spans: _Spans) -> dict[str, Node]:
    """From the span of a client row to the node that served it."""
    callees: dict[str, Node] = {}
    for node in ordered:
        if node.script:
            continue
        call, parent = spans.call_to(node), node.row.parent_id
        span = call.span_id if call is not None else "" if parent in spans.nodes else parent
        if span and callees.setdefault(span, node) is not node:
            node.flags.append("served_again")
    last: dict[str, CallRow] = {}
    for row in clients:
        known = last.get(row.parent_id)
        if row.attempt and (known is None or row.attempt > known.attempt):
            last[row.parent_id] = row
    for logical, attempt in last.items():
        # The span of a call tried again was never on the wire: its last attempt speaks for it.
        if attempt.span_id in callees:
            callees.setdefault(logical, callees[attempt.span_id])
    return callees
