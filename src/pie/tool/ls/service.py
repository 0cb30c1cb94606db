"""``pie ls PSM``: one service in short: what it is, its instances, its interfaces."""

from typing import Any

from pie.tool.terminal.api import Api, ApiError
from pie.tool.terminal.table import BAD, BOLD, DIM, GOOD, Cell, Column, echo, paint, render
from pie.tool.terminal.text import (
    ago,
    error_cell,
    flow,
    keep_columns,
    mild_cell,
    milliseconds,
    number,
    percent,
    plural,
    rate,
)

_INSTANCES = (
    Column("CLUSTER"),
    Column("ADDRESS"),
    Column("PID", right=True),
    Column("VERSION"),
    Column("STARTED", right=True),
)
_WINDOWS = (60, 300, 900, 3600)
_NOTHING = Cell("-", DIM)
_INTERFACES = (
    Column("METHOD", cut=True),
    Column("ROUTE", cut=True),
    Column("QPS", right=True),
    Column("FAILURES", right=True),
    Column("REJECTED", right=True),
    Column("AVG ms", right=True),
    Column("P99 ms", right=True),
)


def show_service(api: Api, psm: str, window: int, answer: dict[str, Any]) -> None:
    """Print it. ``answer`` is that of ``/api/services``, with this service in it."""
    service = next(each for each in answer["services"] if each["psm"] == psm)
    echo("\n".join(_head(service, answer)))
    rows = [
        [
            cluster["name"],
            Cell(each["address"], BOLD),
            str(each["pid"] or "-"),
            each["version"] or Cell("-", DIM),
            Cell(ago(each["started"], answer["now"]), DIM),
        ]
        for cluster in service["clusters"]
        for each in cluster["instances"]
    ]
    if rows:
        _section(plural(len(rows), "instance"), render(_INSTANCES, rows))
    page = _page(api, psm, window)
    if page.get("methods"):
        _show_methods(page["methods"])
    _show_peers(page)
    others = [each["psm"] for each in answer["services"] if each["psm"] != psm]
    if others:
        echo(paint(f"\nalso: {', '.join(others)}", DIM))


def _head(service: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    here = service["onboarded"]
    state = paint("● on-boarded", GOOD) if here else paint("○ not on-boarded", BAD)
    what = [
        service["protocol"],
        f"{service['framework']} {service['framework_version']}".strip(),
        service["language"],
        f"owners {', '.join(service['owners'])}" if service["owners"] else "no owner named",
    ]
    lines = [f"{paint(service['psm'], BOLD)}  {state}", *flow([*filter(None, what)])]
    if not here:
        lines.append("  known from calls only: no instance is registered now")
    if not answer["traffic_known"]:
        lines.append("  traffic is not known: the platform's store of facts is away")
    elif not service["calls"]:
        lines.append(f"  no call in the last {answer['window_s']} s")
    else:
        lines += flow(
            [
                f"{rate(service['qps'])} QPS",
                f"{percent(service['failure_rate'])} failures",
                f"{percent(service['rejected_rate'])} rejected",
                f"{milliseconds(service['avg_ms'])} on average",
                f"99 % within {milliseconds(service['p99_ms'])}",
                f"last call {ago(service['last_seen'], answer['now'])}",
            ]
        )
    return lines


def _section(title: str, table: str) -> None:
    echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in table.split("\n")))


def _page(api: Api, psm: str, window: int) -> dict[str, Any]:
    """Further lines that the platform has about the service; none from an older platform."""
    fitting = next((each for each in _WINDOWS if each >= window), _WINDOWS[-1])
    try:
        page: dict[str, Any] = api.get(f"/api/services/{psm}", {"window": fitting})
    except ApiError as error:
        if error.status in (404, 503):
            return {}
        raise
    return page


def _show_methods(methods: list[dict[str, Any]]) -> None:
    columns: list[Column] = [*_INTERFACES]
    if not any(each["routes"] for each in methods):
        columns = [each for each in columns if each.title != "ROUTE"]
    rows: list[list[str | Cell]] = []
    for each in methods:
        figures = each["figures"]
        called = figures["calls"] > 0
        failed, rejected = (
            figures[part] / figures["calls"] if called else 0.0 for part in ("failures", "rejected")
        )
        cells: dict[str, str | Cell] = {
            "METHOD": Cell(each["method"], BOLD),
            "ROUTE": "  ".join(
                f"{','.join(one['verbs'])} {one['route']}".strip() for one in each["routes"]
            ),
            "QPS": rate(figures["qps"]) if called else _NOTHING,
            "FAILURES": error_cell(failed, called),
            "REJECTED": mild_cell(rejected, called),
            "AVG ms": number(figures["avg_ms"]) if called else _NOTHING,
            "P99 ms": number(figures["p99_ms"]) if called else _NOTHING,
        }
        rows.append([cells[column.title] for column in columns])
    kept, cells_kept = keep_columns(columns, rows, ("P99 ms", "REJECTED", "ROUTE"))
    _section(plural(len(methods), "interface"), render(kept, cells_kept))


def _show_peers(page: dict[str, Any]) -> None:
    callers = [
        f"{each['psm'] or 'unnamed'} {percent(each['share'])}" for each in page.get("callers", ())
    ]
    callees = list(dict.fromkeys(each["psm"] for each in page.get("callees", ())))
    if callers or callees:
        echo()
    for title, names in (("called by", callers), ("calls", callees)):
        if names:
            echo("\n".join([title, *flow(names)]))
