"""A chain in the terminal: head, tree with waterfall, table of calls."""

import textwrap
from typing import Any

from pie.tool.chain.tree import Item, build_tree, flag_text, is_whole_of_attempts, walk
from pie.tool.chain.waterfall import Scale, Span
from pie.tool.logs.lines import Look, show_line
from pie.tool.terminal.table import (
    BAD,
    BOLD,
    DIM,
    GAP,
    GOOD,
    LINK,
    WARN,
    Cell,
    Column,
    Style,
    fit,
    one_line,
    pad,
    paint,
    render,
    terminal_width,
    width,
)
from pie.tool.terminal.text import clock, fit_name, flow, keep_columns, milliseconds, number, plural

_STATUS = {"OK": GOOD, "ERROR": BAD, "UNKNOWN": WARN}
_WIDTH_OF_A_PIPE = 120
_LEAST_BAR, _MOST_BAR = 12, 60
_LEAST_NAME, _LEAST_METHOD = 24, 8
_CALLS = (
    Column("CALLER", cut=True),
    Column("NO", right=True),
    Column("TO", right=True),
    Column("CALLEE", cut=True),
    Column("METHOD", cut=True),
    Column("START"),
    Column("MS", right=True),
    Column("STATUS"),
)


def show_chain(chain: dict[str, Any], logs: dict[str, Any] | None) -> list[str]:
    """All lines of the view. ``logs`` is the answer for its log lines, each shown at its node."""
    roots = build_tree(chain)
    lines = _head(chain)
    lines += ["", *_tree(chain, roots, logs)]
    if chain["calls"]:
        lines += ["", paint("Calls, as their callers saw them", BOLD), *_calls(chain["calls"])]
    return lines


def _head(chain: dict[str, Any]) -> list[str]:
    summary = [
        f"entry {chain['entry_ip'] or 'unknown'}",
        clock(chain["start"], date=True),
        paint(milliseconds(chain["total_ms"]), BOLD),
        plural(chain["node_count"], "node"),
        plural(chain["call_count"], "call"),
    ]
    lines = [paint(chain["logid"], BOLD), *flow(summary, "")]
    lines += [
        paint(f"! {flag_text(flag)}", WARN)
        for flag in chain["flags"]
        if flag in ("truncated", "repeated_rows")
    ]
    return lines


def _tree(chain: dict[str, Any], roots: list[Item], logs: dict[str, Any] | None) -> list[str]:
    rows = list(walk(roots))
    if not rows:
        return []
    room = terminal_width() or _WIDTH_OF_A_PIPE
    names = [before + item.psm for item, before, _ in rows]
    methods = [item.record["method"] for item, _, _ in rows]
    statuses = [_status(item.record) for item, _, _ in rows]
    times = [number(item.record["duration_ms"]) for item, _, _ in rows]
    time_room = max(2, *map(len, times))
    fixed = 2 + time_room + max(6, *(width(each.text) for each in statuses)) + 5 * len(GAP)
    name_room, method_room, bar_room = _share(
        room - fixed, max(7, *map(width, names)), max(6, *map(width, methods))
    )
    spans = [span for item, _, _ in rows for span in _spans(item) if span]
    scale = Scale(spans, chain["total_ms"], bar_room)
    lines = [
        paint(
            GAP.join(
                [
                    "NO",
                    pad("SERVICE", name_room),
                    pad("METHOD", method_room),
                    *([_axis(scale)] if bar_room > 0 else []),
                    pad("MS", time_room, right=True),
                    "STATUS",
                ]
            ),
            DIM,
        )
    ]
    of_node = _lines_by_span(logs)
    for (item, before, below), method, status, time in zip(
        rows, methods, statuses, times, strict=True
    ):
        name = fit_name(one_line(item.psm), max(_LEAST_NAME // 2, name_room - width(before)))
        service = paint(before, DIM) + paint(name, BOLD if item.node else DIM)
        lines.append(
            GAP.join(
                [
                    pad(str(item.no), 2, right=True),
                    service + " " * max(0, name_room - width(before + name)),
                    pad(fit(one_line(method), method_room), method_room),
                    *([scale.bar(*_spans(item), status.style)] if bar_room > 0 else []),
                    pad(time, time_room, right=True),
                    paint(status.text, status.style),
                ]
            ).rstrip()
        )
        hang = " " * (2 + len(GAP)) + below
        for cell in _reasons(item):
            lines += _hanging(cell, hang, room)
        if item.node:
            look = Look(room=room - width(hang))
            for line in of_node.pop(item.node["span_id"], ()):
                lines += [paint(hang, DIM) + each for each in show_line(line, look)]
    rest = [line for lines_ in of_node.values() for line in lines_]
    if rest:
        lines += ["", paint("Lines of no node above", BOLD)]
        lines += [each for line in rest for each in show_line(line, Look(psm=26))]
    if logs and logs["truncated"]:
        lines.append(paint("there are more log lines: pie logs --logid shows them", WARN))
    return lines


def _share(room: int, names: int, methods: int) -> tuple[int, int, int]:
    """Columns for names, methods and bars: names give way first, bars last."""
    bar = min(_MOST_BAR, room - names - methods)
    if bar < _LEAST_BAR:
        bar = _LEAST_BAR
        methods = min(methods, max(_LEAST_METHOD, room - bar - names, (room - bar) // 3))
        if room - bar - methods < _LEAST_NAME:
            bar = -len(GAP)  # no room for any: its gap is free too
        names = min(names, max(_LEAST_NAME, room - bar - methods))
    return names, methods, bar


def _axis(scale: Scale) -> str:
    left, right = number(scale.first), f"{number(scale.last)} ms"
    if len(left) + len(right) + 1 > scale.room:
        return pad(fit(right, scale.room), scale.room, right=True)
    return left + pad(right, scale.room - len(left), right=True)


def _spans(item: Item) -> tuple[Span | None, Span | None]:
    """When it was served, and how long its caller waited."""
    return _span(item.node), _span(item.call)


def _span(record: dict[str, Any] | None) -> Span | None:
    if record is None:
        return None
    return Span(record["offset_ms"], record["offset_ms"] + record["duration_ms"])


def _status(record: dict[str, Any]) -> Cell:
    status = record["status"]
    text = status
    if record["outcome"] in ("business", "business_failure"):
        text = f"{status} {record['code']}"
    elif status == "ERROR":
        text = f"{status} {record['outcome']}"
    return Cell(text, _STATUS.get(status, WARN))


def _reasons(item: Item) -> list[Cell]:
    """Why it went as it did, in sentences."""
    node, call = item.node, item.call
    found: list[Cell] = []
    if node is not None:
        found += _of_record(node, "")
    if call is not None:
        found += _of_record(call, "its caller: " if node else "", message=_differs(item))
        if call["attempt"]:
            found.append(Cell(f"· attempt {call['attempt']} of {call['attempts']}", DIM))
    repeated = {text for child in item.children for text in _messages(child)}
    if node is not None and node["message"] and node["message"] in repeated:
        found = [each for each in found if node["message"] not in each.text]
    # What failed, what was decided, what contradicts itself.
    return sorted(dict.fromkeys(found), key=lambda cell: "✗·→!".index(cell.text[0]))


def _differs(item: Item) -> bool:
    """Its caller saw another end than its server."""
    return not (item.node and item.call) or item.call["outcome"] != item.node["outcome"]


def _messages(item: Item) -> list[str]:
    """Those that its own rows say, so that the one above need not."""
    own = [item.record["message"]]
    return [*own, item.call["message"]] if item.call and _differs(item) else own


def _of_record(record: dict[str, Any], who: str, *, message: bool = True) -> list[Cell]:
    found = []
    failed = record["status"] == "ERROR"
    if message and (failed or record["message"]):
        what = f"{record['outcome']} ({record['code']})" if record["code"] else record["outcome"]
        text = f"{who}{what}: {record['message']}".removesuffix(": ")
        found.append(Cell(f"{'✗' if failed else '·'} {text}", BAD if failed else DIM))
    if record["rule"] and not any(record["rule"] in each for each in record["notes"]):
        found.append(Cell(f"· {who}decided by rule {record['rule']}", WARN))
    found += [Cell(f"{_sign(each)} {who}{each}", _look(each)) for each in record["notes"]]
    found += [Cell(f"! {flag_text(flag)}", WARN) for flag in record["flags"]]
    if record.get("skew_ms"):
        shift = milliseconds(abs(record["skew_ms"]))
        way = "later" if record["skew_ms"] > 0 else "earlier"
        found.append(Cell(f"! {who}drawn {shift} {way}, as the hosts' clocks differ", WARN))
    return found


def _sign(note: str) -> str:
    """What stands before a note: a decision that changed the call's way is marked."""
    return "→" if note.startswith("routed to ") else "·"


def _look(note: str) -> Style:
    """What a rule did, or would have done, is not overlooked; other notes are dim."""
    if note.startswith(("rejected: ", "would reject: ", "fallback", "not as the rule says")):
        return WARN
    return LINK if note.startswith("routed to ") else DIM


def _hanging(cell: Cell, hang: str, room: int) -> list[str]:
    """A sentence under a row of the tree, wrapped."""
    pieces = textwrap.wrap(one_line(cell.text), max(30, room - width(hang)), subsequent_indent="  ")
    return [paint(hang, DIM) + paint(each, cell.style) for each in pieces]


def _lines_by_span(logs: dict[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in logs["lines"] if logs else ():
        found.setdefault(line["span_id"], []).append(line)
    return found


def _calls(calls: list[dict[str, Any]]) -> list[str]:
    rows: list[list[str | Cell]] = []
    for call in calls:
        tried = ""
        if call["attempt"]:
            tried = f" {call['attempt']}/{call['attempts']}"
        elif is_whole_of_attempts(call):
            tried = f" ×{call['attempts']}"
        rows.append(
            [
                call["caller"],
                _no(call["caller_no"]),
                _no(call["callee_no"]),
                call["callee"],
                call["method"] + tried,
                Cell(clock(call["start"]), DIM),
                number(call["duration_ms"]),
                _status(call),
            ]
        )
    columns, kept = keep_columns(_CALLS, rows, ("START",))
    return render(columns, kept).split("\n")


def _no(no: int) -> Cell:
    return Cell(str(no), WARN if no < 0 else Style())
