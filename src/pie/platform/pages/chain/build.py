"""From the tree of a chain to its view: nodes as servers saw them, calls as callers did. Pure."""

from collections.abc import Sequence

from pie.model import logid_address
from pie.observe.facts.rows import CallRow
from pie.platform.ask.chain_rows import ChainRow
from pie.platform.ask.chain_skew import shifts_of
from pie.platform.ask.chain_tree import SKEW_MS, ChainTree, Node, build_tree, end_of
from pie.platform.ask.further import further
from pie.platform.ask.outcomes import SERVED
from pie.platform.pages.chain.views import Chain, ChainCall, ChainNode, NodeKind, Status

_BOTH = ("ts", "side", "duration_us", "logid", "verb")
_further_of_node = further("chain", ChainNode, (*_BOTH, "protocol", "host", "callee", "parent_id"))
_further_of_call = further("chain", ChainCall, _BOTH)

_UNKNOWN = frozenset({"", "unknown", "cancelled"})


def build_chain(logid: str, rows: Sequence[CallRow], *, truncated: bool = False) -> Chain:
    """The view of one chain.

    Args:
        logid: the chain's name.
        rows: at least one row of that logid, in any order, of both sides.
        truncated: there are more rows than these.
    """
    tree = build_tree(rows)
    shifts = shifts_of(tree)
    nodes = [_node_view(node, tree.start, shifts[node.no]) for node in tree.nodes]
    calls = [_call_view(row, tree, shifts) for row in tree.calls]
    entry = tree.nodes[0].row.host if tree.nodes else ""
    return Chain(
        logid=logid,
        entry_ip=logid_address(logid) or entry,
        start=tree.start,
        total_ms=_ms(tree.end - tree.start),
        node_count=len(nodes),
        call_count=tree.call_count,
        flags=_chain_flags(nodes, calls, truncated, tree.repeated),
        nodes=nodes,
        calls=calls,
    )


def _call_view(row: CallRow, tree: ChainTree, shifts: list[float]) -> ChainCall:
    caller, callee = tree.caller_of(row), tree.callee_of(row)
    shift = 0.0 if caller is None else shifts[caller.no]
    flags = _clamped(row)
    if caller is None:
        flags.append("caller_not_logged")
    if callee is None:
        flags.append("callee_not_logged")
    elif callee.end - callee.start > row.duration_us / 1e6 + SKEW_MS / 1000:
        flags.append("callee_took_longer")
    if end_of(row) > tree.end + SKEW_MS / 1000:
        flags.append("outlives_chain")
    return ChainCall(
        caller=row.caller or row.psm,
        caller_no=-1 if caller is None else caller.no,
        callee_no=-1 if callee is None else callee.no,
        callee=row.callee,
        method=row.verb or row.method,
        protocol=row.protocol,
        start=row.ts,
        offset_ms=_ms(row.ts + shift - tree.start),
        skew_ms=_ms(shift),
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
        fields=_further_of_call(row),
    )


def _node_view(node: Node, start: float, shift: float) -> ChainNode:
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
        offset_ms=_ms(node.start + shift - start),
        skew_ms=_ms(shift),
        status=_status(node.outcome),
        outcome=node.outcome,
        code=row.code if own else 0,
        message=row.message if own else "",
        rule=row.rule if own else "",
        span_id=row.span_id if own else "",
        notes=row.notes if own else [],
        flags=node.flags + (_clamped(row) if own else []),
        fields=_further_of_node(row) if own else {},
    )


def _clamped(row: CallRow) -> list[str]:
    return ["clamped"] if isinstance(row, ChainRow) and row.clamped else []


def _kind(node: Node) -> NodeKind:
    if node.script:
        return "script"
    if "nginx" in node.row.psm.split("."):
        return "nginx"
    return "api" if node.row.protocol == "http" else "service"


def _status(outcome: str) -> Status:
    if outcome in SERVED:
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


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
