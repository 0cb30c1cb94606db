"""By how much the times of a host are shifted so that a chain can be drawn. Pure.

A call is served while its caller waits for it. Where the two rows say otherwise and come from two
hosts, the clocks of these differ: the server's times are moved into the caller's wait, so that as
much of it lies before as behind them. Nothing tells more of two clocks than that.
"""

from pie.observe.facts.rows import CallRow
from pie.platform.ask.chain_tree import SKEW_MS, ChainTree, Node, end_of


def shifts_of(tree: ChainTree) -> list[float]:
    """The seconds that are added to the times of each node, by number; 0 for most."""
    calls: dict[int, CallRow] = {}
    for row in tree.calls:
        callee = tree.callee_of(row)
        # A call tried again is there twice: its last attempt is what its server saw.
        if callee is not None and (row.attempt or callee.no not in calls):
            calls[callee.no] = row
    shifts: list[float] = []
    for node in tree.nodes:  # parents first
        shifts.append(_shift(node, calls.get(node.no), shifts))
    return shifts


def _shift(node: Node, call: CallRow | None, shifts: list[float]) -> float:
    parent = node.parent
    if parent is None:
        return 0.0
    theirs = shifts[parent.no]
    if node.row.host == parent.row.host:
        return theirs
    begin, end = (parent.start, parent.end) if call is None else (call.ts, end_of(call))
    begin, end = begin + theirs, end + theirs
    slack = SKEW_MS / 1000
    if begin - slack <= node.start and node.end <= end + slack:
        return 0.0
    spare = (end - begin) - (node.end - node.start)
    if spare >= 0:
        return begin + spare / 2 - node.start
    # It was served for longer than its caller waited, who gave up or wanted no answer.
    return begin - node.start if node.start < begin - slack else 0.0
