"""How ``pie config`` shows what the API answers."""

import json
from typing import Any

from pie.tool.terminal.table import BAD, BOLD, DIM, GOOD, WARN, Cell, Column, paint, render
from pie.tool.terminal.text import ago, keep_columns, moment, plural

_COLUMNS = (
    Column("KEY", cut=True),
    Column("VALUE", cut=True),
    Column("WHERE", cut=True),
    Column("EXPECTS"),
    Column("CHANGED BY", cut=True),
    Column("WHEN", right=True),
)
_DISPENSABLE = ("WHEN", "CHANGED BY", "EXPECTS", "WHERE")
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "conditions": "~"}
_STYLES = {"added": GOOD, "removed": BAD, "changed": WARN, "conditions": WARN}


def show_config(page: dict[str, Any]) -> list[str]:
    """The lines of a service's configuration."""
    lines = [paint(page["psm"], BOLD) + "  " + _state(page)]
    rows = [row for key in page["keys"] for row in _rows(key, page)]
    if rows:
        lines += ["", render(*keep_columns(_COLUMNS, rows, _DISPENSABLE))]
    else:
        lines += ["", "No value is published, and no running code has read one."]
    if page["draft"]["overrides"]:
        lines += ["", "gray releases and overrides, the first one wins"]
        lines += [
            f"  {each['name']}  {conditions(each)}  reaches {len(each['reaches'])} of "
            f"{page['running']}  {', '.join(f'{k}={_text(v)}' for k, v in each['values'].items())}"
            for each in page["draft"]["overrides"]
        ]
    lines += [
        paint(f"{each['id']} stays at v{each['version']}: {each['trouble']}", WARN)
        for each in page["instances"]
        if each["trouble"]
    ]
    return lines


def show_history(answer: dict[str, Any]) -> list[str]:
    """The lines of the versions."""
    if not answer["versions"]:
        return ["Nothing was ever published."]
    lines = []
    for each in answer["versions"]:
        comment = f"  {each['comment']}" if each["comment"] else ""
        lines.append(f"v{each['version']}  {moment(each['at'])}  {each['author']}{comment}")
        if each["first"] and each["version"] > 1:
            lines.append(paint("    older versions are not kept", DIM))
        else:
            lines += [f"    {line}" for line in _changes(each["changes"])]
    return lines


def show_changes(diff: dict[str, Any]) -> list[str]:
    """The lines of what changed."""
    head = f"v{diff['before']} → v{diff['after']}"
    return [head, *(f"  {line}" for line in _changes(diff["changes"]) or ["no value differs"])]


def show_check(check: dict[str, Any]) -> list[str]:
    """The lines of what publishing does."""
    lines = [f"  {line}" for line in _changes(check["changes"])] or ["  no value differs"]
    lines += [paint(f"error: {_problem(each)}", BAD) for each in check["errors"]]
    lines += [paint(f"note: {_problem(each)}", WARN) for each in check["warnings"]]
    if check["conflict"]:
        lines.append(paint(check["conflict"], BAD))
    lines += [
        paint(f"{each['name']} reaches {len(each['reaches'])} of {check['running']} instances", DIM)
        for each in check["overrides"]
    ]
    return lines


def conditions(each: dict[str, Any]) -> str:
    """Which instances an override is for, in words."""
    parts = [
        f"{name} {', '.join(each[name])}" for name in ("cluster", "env", "instance") if each[name]
    ]
    if each["percent"] < 100:
        parts.append(f"{each['percent']:g}% of the instances")
    return " and ".join(parts) or "every instance"


def _state(page: dict[str, Any]) -> str:
    if not page["version"]:
        return paint("nothing published", DIM)
    by = f"v{page['version']} by {page['author']} {ago(page['at'], page['now'])}"
    comment = f" ({page['comment']})" if page["comment"] else ""
    if page["at_version"] is None:
        return f"{by}{comment}"
    at, running = page["at_version"], page["running"]
    where = f"{at} of {plural(running, 'instance')}"
    return f"{by}{comment}  " + paint(where, GOOD if at == running else WARN)


def _rows(key: dict[str, Any], page: dict[str, Any]) -> list[list[str | Cell]]:
    bounds = [f"{key[name]:g}" for name in ("least", "most") if key[name] is not None]
    expects = " ".join([key["form"] or "?", "..".join(bounds)]).strip()
    when = ago(key["changed_at"], page["now"]) if key["changed_in"] else "-"
    rows: list[list[str | Cell]] = []
    effective = key["effective"] or [
        {
            "value": key["value"] if key["published"] else key["default"],
            "source": "document" if key["published"] else "default",
            "instances": page["running"],
            "clusters": [],
        }
    ]
    for each in effective:
        source = {"document": "all", "default": "default"}.get(each["source"], each["source"])
        some = each["instances"] < page["running"]
        where = f"{source}: {plural(each['instances'], 'instance')}" if some else source
        value = _text(each["value"])
        rows.append(
            [
                key["key"] if not rows else "",
                Cell(value, DIM) if each["source"] == "default" else value,
                Cell(where, DIM),
                Cell(expects if not rows else "", DIM),
                (key["changed_by"] or "-") if not rows else "",
                Cell(when if not rows else "", DIM),
            ]
        )
    return rows


def _changes(changes: list[dict[str, Any]]) -> list[str]:
    lines = []
    for each in changes:
        name = f"{each['override']}: {each['key']}" if each["override"] else each["key"]
        action = each["action"]
        if action == "conditions":
            texts = [conditions(each[side]) if each[side] else "-" for side in ("before", "after")]
            name = each["override"]
        else:
            texts = [_text(each[side]) for side in ("before", "after")]
        what = {"added": texts[1], "removed": texts[0]}.get(action, " → ".join(texts))
        lines.append(paint(f"{_SIGNS[action]} {name}: {what}", _STYLES[action]))
    return lines


def _problem(problem: dict[str, Any]) -> str:
    return f"{problem['key']}: {problem['message']}" if problem["key"] else problem["message"]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
