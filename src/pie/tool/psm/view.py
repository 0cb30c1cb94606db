"""How ``pie psm`` shows what the API answers."""

from typing import Any

from pie.tool.terminal.table import BAD, BOLD, DIM, GOOD, WARN, Cell, Column, paint, render
from pie.tool.terminal.text import ago, flow, keep_columns, moment, plural

_COLUMNS = (
    Column(""),
    Column("PSM", cut=True),
    Column("OWNERS", cut=True),
    Column("TIER", right=True),
    Column("SEEN", right=True),
    Column("CALLS", right=True),
    Column("NOTE", cut=True),
)
_DISPENSABLE = ("CALLS", "SEEN", "TIER", "NOTE")
_FROM = {
    "declared": "",
    "registered": "as it registered",
    "subsystem": "as its subsystem",
    "product": "as its product",
}
_TEXTS = ("description", "docs", "repository", "on_call")


def show_tree(tree: dict[str, Any]) -> list[str]:
    """The lines of a list of PSMs."""
    rows = [
        _row(each, tree["now"])
        for product in tree["products"]
        for subsystem in product["subsystems"]
        for each in subsystem["psms"]
    ]
    counts = tree["counts"]
    parts = [plural(counts["psms"], "PSM"), f"{counts['unowned']} unowned"]
    if counts["typo"]:
        parts.append(f"{counts['typo']} like another name")
    lines = [paint(line, DIM) for line in flow([*parts, f"{counts['mine']} yours"], "")]
    if rows:
        lines = [render(*keep_columns(_COLUMNS, rows, _DISPENSABLE)), "", *lines]
    if tree["more"]:
        lines.append(paint(f"only the first {tree['shown']} are shown", WARN))
    if not tree["seen_known"]:
        lines.append(paint("names known from calls alone are missing: their store is down", WARN))
    return lines


def show_name(found: dict[str, Any]) -> list[str]:
    """The lines of one product, subsystem or PSM."""
    source = _FROM.get(found["owners_from"], "")
    owners = ", ".join(found["owners"]) or paint("nobody", BAD)
    lines = [
        f"{paint(found['name'], BOLD)}  {found['kind']}",
        f"  owners      {owners}" + (paint(f"  {source}", DIM) if source else ""),
    ]
    declared = found["declared"]
    lines += [
        f"  {field.replace('_', '-'):<11} {text}"
        for field in _TEXTS
        for text in declared[field].splitlines()
    ]
    if declared["tier"] is not None:
        lines.append(f"  tier        {declared['tier']}")
    if found["kind"] == "psm":
        lines += _psm(found)
    if found["history"]:
        lines += ["", "changes", *_history(found)]
    return lines


def _row(row: dict[str, Any], now: float) -> list[str | Cell]:
    note = f"like {', '.join(row['like'])}" if row["like"] else _FROM.get(row["owners_from"], "")
    running = row["state"] == "running"
    return [
        Cell("●", GOOD) if running else Cell("○", DIM),
        Cell(row["psm"], BOLD if running else DIM),
        ", ".join(row["owners"]) or Cell("nobody", BAD),
        "-" if row["tier"] is None else str(row["tier"]),
        Cell(ago(row["last_seen"], now), DIM),
        f"{row['calls']:,}",
        Cell(note, WARN if row["like"] else DIM),
    ]


def _psm(found: dict[str, Any]) -> list[str]:
    registered, seen = found["registered"], found["seen"]
    state = {
        "running": plural(registered["instances"], "instance"),
        "stopped": "no instance runs",
        "never": "never registered",
    }[registered["state"]]
    framework = f", {registered['framework']}" if registered["framework"] else ""
    lines = [f"  registry    {state}{framework}"]
    if seen:
        calls = f"{seen['received']:,} received, {seen['made']:,} made"
        lines.append(f"  calls       {calls} in {found['seen_days']} days")
        peers = ("callers", "callees", "hosts")
        lines += [f"  {peer:<10}  {', '.join(seen[peer])}" for peer in peers if seen[peer]]
    if found["like"]:
        lines.append(paint(f"  may be meant to be {' or '.join(found['like'])}", WARN))
    if found["claimable"]:
        lines.append(paint(f"  nobody is named: `pie psm claim {found['name']}`", DIM))
    return lines


def _history(found: dict[str, Any]) -> list[str]:
    lines = []
    for change in found["history"]:
        lines.append(f"  {moment(change['at'])}  {change['by']}  {change['action']}")
        lines += [
            f"    {each['field']}: {each['old'] or '-'} → {each['new'] or '-'}"
            for each in change["changes"]
        ]
    if found["older_changes"]:
        lines.append(paint(f"  {found['older_changes']} older ones are not kept", DIM))
    return lines
