"""How rules are shown in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from pie.tool.terminal.table import (
    BAD,
    BOLD,
    DIM,
    GOOD,
    LINK,
    WARN,
    Cell,
    Column,
    Style,
    paint,
    render,
    terminal_width,
)
from pie.tool.terminal.text import ago, keep_columns, moment, number, plural, wrap

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK = 12
_SETS = (
    Column("SIDE"),
    Column("KIND"),
    Column("VERSION"),
    Column("IN FORCE"),
    Column("ACTED, 1 h"),
    Column("RULES", cut=True),
    Column("BY", cut=True),
    Column("PUBLISHED", right=True),
)
_VERDICTS = {
    "rejected": "rejected",
    "would_reject": "would reject",
    "routed": "routed",
    "fallback": "fallback",
    "limited": "limited",
}


def show_service(found: Mapping[str, Any]) -> list[str]:
    """The rule sets of one service."""
    published = [each for each in found["sets"] if each["version"]]
    lines = [f"{paint(found['psm'], BOLD)}  {plural(found['instances'], 'instance')}"]
    lines += _frozen(found["frozen"])
    if published:
        rows = [_row(each, found["now"])[1:] for each in published]
        lines += ["", _table(_SETS, rows)]
        for each in published:
            lines += _troubles(each)
    else:
        lines.append("  no rules are published: the defaults hold")
    rest = [f"{each['kind']} ({each['side']})" for each in found["sets"] if not each["version"]]
    if rest:
        lines += ["", *_wrapped(f"no rules of the kinds {', '.join(rest)}", DIM)]
    if not found["may_publish"]:
        owners = ", ".join(found["owners"]) or "nobody yet"
        lines.append(paint(f"you may read them; owners publish: {owners}", DIM))
    return lines


def show_fleet(found: Mapping[str, Any]) -> list[str]:
    """Every rule set of the fleet."""
    lines = _frozen(found["frozen"])
    if not found["sets"]:
        hint = "`pie rules edit PSM KIND` makes the first; `pie rules kinds` lists the kinds"
        return [*lines, "no rules are published: the defaults hold everywhere", paint(hint, DIM)]
    rows = [_row(each, found["now"]) for each in found["sets"]]
    lines.append(_table((Column("SERVICE", cut=True), *_SETS), rows))
    for each in found["sets"]:
        lines += _troubles(each, psm=True)
    behind = sum(
        each["in_force"]["current"] < each["in_force"]["instances"] for each in found["sets"]
    )
    services = len({each["psm"] for each in found["sets"]})
    summary = [plural(len(found["sets"]), "rule set"), f"of {plural(services, 'service')}"]
    if behind:
        summary.append(paint(f"· {behind} not in force everywhere", WARN))
    return [*lines, "", paint(" ".join(summary), DIM)]


def show_check(check: Mapping[str, Any], text: str = "") -> list[str]:
    """Errors, warnings, changes and preview of rules."""
    lines = show_problems(check["errors"], "✗", BAD, text)
    if check["errors"]:
        return lines
    lines += show_diff(check["diff"])
    lines += show_problems(check["warnings"], "!", WARN, text)
    if check["preview"]:
        lines += ["", *show_preview(check["preview"])]
    return lines


def show_problems(
    problems: Sequence[Mapping[str, Any]], sign: str, style: Style, text: str = ""
) -> list[str]:
    """Each with its rule and field, under it the line of the text that it is in."""
    written = text.splitlines()
    lines = []
    for each in problems:
        where = [f"line {each['line']}"] if each["line"] else []
        where += [f"rule {each['rule']}"] if each["rule"] else []
        where += [each["field"]] if each["field"] else []
        place = f"{', '.join(where)}: " if where else ""
        lines += _wrapped(f"{sign} {place}{each['message']}", style, "  ")
        if 0 < each["line"] <= len(written):
            lines.append(paint(f"    {each['line']:>4} │ {written[each['line'] - 1]}", DIM))
    return lines


def show_diff(diff: Mapping[str, Any] | None) -> list[str]:
    """The lines of a difference."""
    if diff is None:
        return []
    before = f"v{diff['before']}" if diff["before"] else "no rules"
    head = paint(f"{before} → v{diff['after']}", BOLD)
    if not diff["lines"]:
        return [f"{head}  nothing changes"]
    styles = {"+": GOOD, "-": BAD, "…": DIM, " ": DIM}
    return [
        head,
        *(
            paint(f"  {each['sign']} {each['text']}".rstrip(), styles[each["sign"]])
            for each in diff["lines"]
        ),
    ]


def show_preview(preview: Mapping[str, Any]) -> list[str]:
    """What rules would have done to past calls."""
    acts = preview["hit"] > preview["before"]
    lines = _wrapped(preview["text"], BAD if acts else GOOD if preview["calls"] else WARN)
    series = preview["series"]
    if series:
        lines += ["", *_series(series)]
    hit = [each for each in preview["callers"] if each["hit"] or each["recorded"]]
    if hit:
        lines += ["", _callers(preview, hit)]
        if preview["more_callers"]:
            lines.append(paint(f"and {preview['more_callers']} more callers and methods", DIM))
    if preview["targets"]:
        rows: list[list[str | Cell]] = [
            [each["way"], _calls(each["before"]), Cell(_calls(each["calls"]), BOLD)]
            for each in preview["targets"]
        ]
        columns = (
            Column("GOES TO", cut=True),
            Column("NOW", right=True),
            Column("THEN", right=True),
        )
        lines += ["", render(columns, rows)]
    return lines


def show_history(history: Mapping[str, Any], now: float) -> list[str]:
    """The versions of a rule set, the newest first."""
    lines = [paint(f"{history['kind']} of {history['psm']}, {history['side']}", BOLD)]
    if not history["versions"]:
        return [*lines, "  nobody has published any"]
    styles = {"in_force": GOOD, "rolling": LINK, "stopped": WARN}
    for each in history["versions"]:
        state = each["state"].replace("_", " ")
        head = [
            paint(f"v{each['version']:<4}", BOLD),
            moment(each["at"]),
            paint(f"({ago(each['at'], now)})", DIM),
            each["author"],
        ]
        if state:
            head.append(paint(state, styles[each["state"]]))
        lines += ["", "  ".join(head)]
        lines += _wrapped(each["summary"] or "nothing changed", indent="       ")
        if each["comment"]:
            lines += _wrapped(f"“{each['comment']}”", DIM, "       ")
    return lines


def show_explanation(found: Mapping[str, Any]) -> list[str]:
    """What would happen to a call, step by step."""
    call = found["call"]
    said = [
        f"{name}={call[name]}"
        for name in ("caller", "caller_cluster", "cluster", "lane")
        if call[name]
    ]
    lines = [
        paint(f"{call['callee']}.{call['method'] or '*'}", BOLD) + "  " + paint(" ".join(said), DIM)
    ]
    rejected = any(each["verdict"] == "rejected" for each in found["steps"])
    lines += _wrapped(found["outcome"], BAD if rejected else GOOD, "  ")
    styles = {"rejected": BAD, "would_reject": WARN, "fallback": WARN, "none": DIM}
    for step in found["steps"]:
        version = f"{step['kind']} v{step['version']}"
        of = f"{step['side']} rules of {step['owner']}"
        lines += ["", f"{paint(version, BOLD)}  {paint(of, DIM)}"]
        lines += _wrapped(step["text"], styles.get(step["verdict"], GOOD), "  ")
        if step["rolling"]:
            lines += _wrapped(step["rolling"], WARN, "  ")
        for each in step["rules"]:
            mark = paint("●", GOOD) if each["holds"] else paint("○", DIM)
            scope = each["scope"] or "every call"
            text = f"{mark} {each['number']:>2}  {scope}: {each['values']}"
            lines.append(f"  {text if each['holds'] else paint(text, DIM)}")
            if each["why"]:
                lines += _wrapped(each["why"], DIM, "        ")
    if found["silent"]:
        lines += ["", *_wrapped(f"no rules of the kinds {', '.join(found['silent'])}", DIM)]
    return lines


def show_kinds(found: Mapping[str, Any], wanted: str) -> list[str]:
    """The kinds of rules, or the fields of one."""
    kinds = [each for each in found["kinds"] if not wanted or each["kind"] == wanted]
    if not wanted:
        rows: list[list[str | Cell]] = [
            [Cell(each["kind"], BOLD), ", ".join(each["sides"]), each["preview"], each["help"]]
            for each in kinds
        ]
        columns = (
            Column("KIND"),
            Column("SIDES"),
            Column("PREVIEW"),
            Column("WHAT IT SAYS", cut=True),
        )
        return [render(columns, rows)]
    lines = []
    for each in kinds:
        lines += [
            f"{paint(each['kind'], BOLD)}  {', '.join(each['sides'])}",
            *_wrapped(each["help"]),
        ]
        for field in each["fields"]:
            lines += ["", f"  {paint(field['name'], BOLD)}  {paint(field['expects'], DIM)}"]
            lines += _wrapped(field["help"], indent="    ")
        lines += ["", paint("in the scope", BOLD)]
    for field in found["scope"]:
        lines += _wrapped(f"{field['name']}: {field['help']}", indent="  ")
    return lines


def spark(values: Sequence[float | None], room: int) -> str:
    """A row of blocks, each as high as the highest of its part of the values; a gap where none of
    them is known."""
    if not values:
        return ""
    room = min(room, len(values))
    parts = [
        highest(values[len(values) * at // room : len(values) * (at + 1) // room])
        for at in range(room)
    ]
    top = highest(parts) or 1
    return "".join(" " if each is None else _block(each / top) for each in parts)


def _block(share: float) -> str:
    return _BLOCKS[0] if not share else _BLOCKS[max(1, round(share * (len(_BLOCKS) - 1)))]


def highest(values: Sequence[float | None]) -> float | None:
    """The highest value that is known; None if none is."""
    return max((each for each in values if each is not None), default=None)


def _row(each: Mapping[str, Any], now: float) -> list[str | Cell]:
    force = each["in_force"]
    version = f"v{each['version']}"
    if each["rollout"]:
        version += " stopped" if each["rollout"]["stopped"] else " rolling"
    return [
        each["psm"],
        Cell(each["side"], DIM),
        Cell(each["kind"], BOLD),
        Cell(version, WARN if each["rollout"] else Style()),
        _in_force(force),
        _effect(each["effect"]),
        f"{plural(each['rules'], 'rule')}" + (f" · {each['summary']}" if each["summary"] else ""),
        each["author"],
        Cell(ago(each["at"], now), DIM),
    ]


def _in_force(force: Mapping[str, Any]) -> Cell:
    if not force["known"]:
        return Cell("not known", WARN)
    if not force["instances"]:
        return Cell("no instance", DIM)
    all_run = force["current"] == force["instances"]
    return Cell(f"{force['current']} of {force['instances']}", GOOD if all_run else WARN)


def _effect(effect: Mapping[str, Any]) -> Cell:
    counts = [
        f"{effect['verdicts'][name]:,} {words}"
        for name, words in _VERDICTS.items()
        if effect["verdicts"].get(name)
    ]
    if not counts:
        return Cell("-", DIM)
    return Cell(f"{spark(effect['acted'], _SPARK)} {counts[0]}", WARN)


def _troubles(each: Mapping[str, Any], *, psm: bool = False) -> list[str]:
    lines = []
    name = f"{each['psm']} {each['kind']}" if psm else f"{each['kind']} ({each['side']})"
    if each["unreadable"]:
        lines += _wrapped(f"! {name}: {each['unreadable']}", WARN)
    if each["rollout"] and each["rollout"]["stopped"]:
        lines += _wrapped(f"! {name}: stopped, {each['rollout']['stopped']}", WARN)
    for instance in each["in_force"]["behind"][:5]:
        runs = "says nothing" if instance["version"] < 0 else f"runs {_v(instance['version'])}"
        trouble = f", {instance['trouble']}" if instance["trouble"] else ""
        where = f"{instance['instance']} on {instance['host']}"
        lines += _wrapped(f"! {name}: {where} {runs}, not {_v(instance['wanted'])}{trouble}", WARN)
    return lines


def _v(version: int) -> str:
    return f"v{version}" if version else "no rules"


def _frozen(freeze: Mapping[str, Any] | None) -> list[str]:
    if freeze is None:
        return []
    return _wrapped(
        f"! frozen by {freeze['by']} since {moment(freeze['at'])}: {freeze['reason']}; "
        "`pie rules thaw` ends it",
        WARN,
    )


def _callers(preview: Mapping[str, Any], hit: Sequence[Mapping[str, Any]]) -> str:
    columns = [
        Column("CALLER", cut=True),
        Column("METHOD", cut=True),
        Column("CALLS", right=True),
        Column("HIGHEST /s", right=True),
        Column("NOW", right=True),
        Column("THEN", right=True),
    ]
    top = max(each["hit"] + each["recorded"] for each in hit)
    rows: list[list[str | Cell]] = []
    for each in hit:
        acted = each["hit"] + each["recorded"]
        record = " recorded" if each["recorded"] and not each["hit"] else ""
        bar = "█" * max(1, round(acted / top * 10))
        rows.append(
            [
                each["caller"] or "(none)",
                each["method"],
                f"{each['calls']:,}",
                number(each["highest"]) if each["highest"] else "-",
                _calls(each["before"]),
                Cell(f"{_calls(acted)}{record} {bar:<10}", WARN if record else BAD),
            ]
        )
    dispensable = ["HIGHEST /s", "NOW"]
    if not any(each["highest"] for each in hit):
        columns, rows = _without(columns, rows, 3)
    return render(*keep_columns(columns, rows, dispensable))


def _without(
    columns: list[Column], rows: list[list[str | Cell]], at: int
) -> tuple[list[Column], list[list[str | Cell]]]:
    return columns[:at] + columns[at + 1 :], [row[:at] + row[at + 1 :] for row in rows]


def _series(series: Mapping[str, Any]) -> list[str]:
    room = min(60, (terminal_width() or 100) - 30)
    named = [f"{series['caller'] or '(none)'} · {series['method']}"] if series["method"] else []
    values = series["highest"] or series["called"]
    unit = "calls/s at most" if series["highest"] else f"calls in {series['step'] // 60} min"
    lines = [paint("  ".join([*named, "from", moment(series["since"])]), DIM)]
    lines.append(f"{spark(values, room)}  {number(highest(values) or 0)} {unit}")
    lines.append(f"{paint(spark(series['hit'], room), BAD)}  acted on")
    if series["limit"]:
        lines[-2] += paint(f", limit {number(series['limit'])}", DIM)
    return lines


def _calls(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _table(columns: Sequence[Column], rows: list[list[str | Cell]]) -> str:
    return render(*keep_columns(columns, rows, ("BY", "PUBLISHED", "ACTED, 1 h")))


def _wrapped(text: str, style: Style = Style(), indent: str = "") -> list[str]:  # noqa: B008
    room = (terminal_width() or 10_000) - len(indent)
    return [indent + paint(each, style) for each in wrap(text, room, room)]
