"""From the rows of one logid to its chain: the tree its servers saw, the calls its callers saw.

Pure: rows in, view out. Nothing that was recorded is dropped: what contradicts itself (a child
outside its parent in time, a caller nobody logged, spans that form a circle) is shown and flagged.
"""

from dataclasses import dataclass, field

from pie.model import logid_address
from pie.observe.record.facts import CallRow
from pie.platform.pages.chain.views import Chain, ChainCall, ChainNode, NodeKind, Status

SKEW_MS = 1.0
"""Contradictions up to this many milliseconds are the resolution of two clocks, not news."""

_OK = frozenset({"ok", "business"})
_UNKNOWN = frozenset({"", "unknown", "cancelled"})


@dataclass(slots=True, eq=False)
class _Node:
    """A place in the tree: a server row, or a script with the rows of its entry calls."""

    row: CallRow
    start: float
    end: float
    script: bool = False
    outcome: str = "ok"
    parent: "_Node | None" = None
    orphan: bool = False
    children: list["_Node"] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    no: int = -1
    depth: int = 0


def build_chain(logid: str, rows: list[CallRow], *, truncated: bool = False) -> Chain:
    """The view of one chain.

    Args:
        logid: the chain's name.
        rows: at least one row of that logid, in any order, of both sides.
        truncated: there are more rows than these.
    """
    servers, clients, repeated = _without_repeats(rows)
    nodes = [_server_node(row) for row in servers]
    by_span = _by_span(nodes)
    calls_by_span = {row.span_id: row for row in clients if row.span_id}
    scripts = _script_nodes(clients)
    nodes += scripts.values()

    for node in nodes:
        if not node.script and node.row.parent_id:
            _attach(node, calls_by_span, by_span, scripts)
    ordered = _number(nodes)

    first = ordered[0] if ordered else None
    start = first.start if first else min(row.ts for row in clients)
    end = first.end if first else max(_end(row) for row in clients)
    if first is not None and first.orphan:
        end = max(node.end for node in ordered)
    for node in ordered:
        _flag_times(node, end)

    callees = _callees(ordered, clients)
    call_views = [
        _call_view(row, start, end, _caller(row, calls_by_span, by_span, scripts), callees)
        for row in sorted(clients, key=lambda row: (row.ts, row.attempt))
    ]
    node_views = [_node_view(node, start) for node in ordered]
    return Chain(
        logid=logid,
        entry_ip=logid_address(logid) or (first.row.host if first else ""),
        start=start,
        total_ms=_ms(end - start),
        node_count=len(node_views),
        call_count=sum(1 for row in clients if row.attempt == 0),
        flags=_chain_flags(node_views, call_views, truncated, repeated),
        nodes=node_views,
        calls=call_views,
    )


def _without_repeats(rows: list[CallRow]) -> tuple[list[CallRow], list[CallRow], bool]:
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


def _server_node(row: CallRow) -> _Node:
    return _Node(row, row.ts, _end(row), outcome=row.outcome)


def _by_span(nodes: list[_Node]) -> dict[str, _Node]:
    by_span: dict[str, _Node] = {}
    for node in nodes:
        span = node.row.span_id
        if span and by_span.setdefault(span, node) is not node:
            node.flags.append("duplicate_span")
    return by_span


def _script_nodes(clients: list[CallRow]) -> dict[tuple[str, str], _Node]:
    """One node for each process that made calls without serving one."""
    scripts: dict[tuple[str, str], _Node] = {}
    for row in clients:
        if row.parent_id:
            continue
        node = scripts.get(_process(row))
        if node is None:
            node = scripts[_process(row)] = _Node(row, row.ts, _end(row), script=True)
        node.end = max(node.end, _end(row))
        if node.outcome in _OK:
            node.outcome = row.outcome
    return scripts


def _process(row: CallRow) -> tuple[str, str]:
    return (row.psm, row.instance or row.host)


def _caller(
    row: CallRow,
    calls_by_span: dict[str, CallRow],
    by_span: dict[str, _Node],
    scripts: dict[tuple[str, str], _Node],
) -> _Node | None:
    """The node a client row was made in: through its logical call, if it is an attempt."""
    passed: set[str] = set()
    while row.parent_id:
        node = by_span.get(row.parent_id)
        if node is not None:
            return node
        outer = calls_by_span.get(row.parent_id)
        if outer is None or outer.span_id in passed:
            return None
        passed.add(outer.span_id)
        row = outer
    return scripts.get(_process(row))


def _attach(
    node: _Node,
    calls_by_span: dict[str, CallRow],
    by_span: dict[str, _Node],
    scripts: dict[tuple[str, str], _Node],
) -> None:
    """Find a served call's parent; without one it stands at the root, flagged."""
    call = calls_by_span.get(node.row.parent_id)
    if call is not None:
        parent = _caller(call, calls_by_span, by_span, scripts)
    else:
        parent = by_span.get(node.row.parent_id)
        if parent is not None:
            node.flags.append("call_not_logged")
    if parent is None or parent is node:
        node.orphan = True
        node.flags.append("orphan")
    else:
        node.parent = parent


def _number(nodes: list[_Node]) -> list[_Node]:
    """All nodes in pre-order, siblings by start, numbered; circles are opened at their first."""
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    ordered: list[_Node] = []
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


def _walk(root: _Node, ordered: list[_Node]) -> None:
    stack = [root]
    while stack:
        node = stack.pop()
        node.no = len(ordered)
        node.depth = 0 if node.parent is None else node.parent.depth + 1
        ordered.append(node)
        stack.extend(sorted(node.children, key=lambda child: child.start, reverse=True))


def _flag_times(node: _Node, chain_end: float) -> None:
    skew = SKEW_MS / 1000
    if node.end > chain_end + skew:
        node.flags.append("outlives_chain")
    if node.parent is not None:
        if node.start < node.parent.start - skew:
            node.flags.append("before_parent")
        if node.end > node.parent.end + skew:
            node.flags.append("outlives_parent")


def _callees(ordered: list[_Node], clients: list[CallRow]) -> dict[str, _Node]:
    """From the span of a client row to the node that served it."""
    callees: dict[str, _Node] = {}
    for node in ordered:
        parent = node.row.parent_id
        if not node.script and parent and callees.setdefault(parent, node) is not node:
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


def _call_view(
    row: CallRow, start: float, end: float, caller: _Node | None, callees: dict[str, _Node]
) -> ChainCall:
    callee = callees.get(row.span_id) if row.span_id else None
    flags = []
    if caller is None:
        flags.append("caller_not_logged")
    if callee is None:
        flags.append("callee_not_logged")
    elif callee.end - callee.start > row.duration_us / 1e6 + SKEW_MS / 1000:
        flags.append("callee_took_longer")
    if _end(row) > end + SKEW_MS / 1000:
        flags.append("outlives_chain")
    return ChainCall(
        caller=row.caller or row.psm,
        caller_no=-1 if caller is None else caller.no,
        callee_no=-1 if callee is None else callee.no,
        callee=row.callee,
        method=row.verb or row.method,
        protocol=row.protocol,
        start=row.ts,
        offset_ms=_ms(row.ts - start),
        duration_ms=row.duration_us / 1000,
        status=_status(row.outcome),
        outcome=row.outcome,
        code=row.code,
        message=row.message,
        rule=row.rule,
        peer=row.peer,
        attempt=row.attempt,
        attempts=row.attempts,
        span_id=row.span_id,
        parent_id=row.parent_id,
        notes=row.notes,
        flags=flags,
    )


def _node_view(node: _Node, start: float) -> ChainNode:
    row = node.row
    own = not node.script
    return ChainNode(
        no=node.no,
        parent_no=None if node.parent is None else node.parent.no,
        depth=node.depth,
        psm=row.psm,
        cluster=row.cluster,
        method=(row.verb or row.method) if own else "",
        view=row.method if own and row.verb else "",
        route=row.route if own else "",
        ip=row.host,
        instance=row.instance,
        kind=_kind(node),
        start=node.start,
        duration_ms=_ms(node.end - node.start),
        offset_ms=_ms(node.start - start),
        status=_status(node.outcome),
        outcome=node.outcome,
        code=row.code if own else 0,
        message=row.message if own else "",
        rule=row.rule if own else "",
        span_id=row.span_id if own else "",
        notes=row.notes if own else [],
        flags=node.flags,
    )


def _kind(node: _Node) -> NodeKind:
    if node.script:
        return "script"
    if "nginx" in node.row.psm.split("."):
        return "nginx"
    return "api" if node.row.protocol == "http" else "service"


def _status(outcome: str) -> Status:
    if outcome in _OK:
        return "OK"
    return "UNKNOWN" if outcome in _UNKNOWN else "ERROR"


def _chain_flags(
    nodes: list[ChainNode], calls: list[ChainCall], truncated: bool, repeated: bool
) -> list[str]:
    seen = {flag for node in nodes for flag in node.flags}
    seen |= {flag for call in calls for flag in call.flags}
    flags = sorted(seen)
    if truncated:
        flags.append("truncated")
    if repeated:
        flags.append("repeated_rows")
    return flags


def _end(row: CallRow) -> float:
    return row.ts + row.duration_us / 1e6


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
