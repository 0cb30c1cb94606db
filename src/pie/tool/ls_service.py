"""``pie ls PSM``: one service in short: what it is, its instances, its interfaces."""

from typing import Any

import click

from pie.tool.api import Api, ApiError
from pie.tool.table import BAD, BOLD, DIM, GOOD, Cell, Column, paint, render
from pie.tool.terminal import ago, flow, keep_columns, milliseconds, number, percent, plural, rate

_INSTANCES = (
    Column("CLUSTER"),
    Column("ADDRESS"),
    Column("PID", right=True),
    Column("VERSION"),
    Column("STARTED", right=True),
)
_INTERFACES = (
    Column("METHOD", cut=True),
    Column("ROUTE", cut=True),
    Column("QPS", right=True),
    Column("ERRORS", right=True),
    Column("AVG ms", right=True),
    Column("P99 ms", right=True),
)


def show_service(api: Api, psm: str, window: int, answer: dict[str, Any]) -> None:
    """Print it. ``answer`` is that of ``/api/services``, with this service in it."""
    service = next(each for each in answer["services"] if each["psm"] == psm)
    click.echo("\n".join(_head(service, answer)))
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
    interfaces = _interfaces(api, psm, window)
    if interfaces:
        columns, lines = keep_columns(
            _INTERFACES, [_interface_row(each) for each in interfaces], ("ROUTE", "P99 ms")
        )
        if not any(each.get("route") for each in interfaces):
            columns, lines = (
                [c for c in columns if c.title != "ROUTE"],
                [
                    [cell for c, cell in zip(columns, line, strict=True) if c.title != "ROUTE"]
                    for line in lines
                ],
            )
        _section(plural(len(interfaces), "interface"), render(columns, lines))
    others = [each["psm"] for each in answer["services"] if each["psm"] != psm]
    if others:
        click.echo(paint(f"\nalso: {', '.join(others)}", DIM))


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
                f"{percent(service['error_rate'])} errors",
                f"{milliseconds(service['avg_ms'])} on average",
                f"99 % within {milliseconds(service['p99_ms'])}",
                f"last call {ago(service['last_seen'], answer['now'])}",
            ]
        )
    return lines


def _section(title: str, table: str) -> None:
    click.echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in table.split("\n")))


def _interfaces(api: Api, psm: str, window: int) -> list[dict[str, Any]]:
    """Those that the service declares; none from a platform that cannot say."""
    try:
        answer = api.get(f"/api/services/{psm}", {"window": window})
    except ApiError as error:
        if error.status in (404, 503):
            return []
        raise
    found = answer.get("interfaces", [])
    return found if isinstance(found, list) else []


def _interface_row(each: dict[str, Any]) -> list[str | Cell]:
    from pie.tool.ls_command import error_cell

    called = bool(each.get("calls") or each.get("qps"))
    blank = Cell("-", DIM)
    return [
        Cell(each["method"], BOLD),
        each.get("route", ""),
        rate(each.get("qps", 0.0)) if called else blank,
        error_cell(each.get("error_rate", 0.0), called),
        number(each.get("avg_ms", 0.0)) if called else blank,
        number(each.get("p99_ms", 0.0)) if called else blank,
    ]
