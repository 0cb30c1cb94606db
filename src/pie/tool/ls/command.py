"""``pie ls``: the services of the fleet."""

import fnmatch
import shutil
import sys
import time
from typing import Any

import click

from pie.observe.log.terminal import clean
from pie.tool.ls.service import show_service
from pie.tool.terminal.api import Api, ApiError, PlatformAwayError, with_api
from pie.tool.terminal.clean import json_text, steer
from pie.tool.terminal.table import BOLD, DIM, GOOD, WARN, Cell, Column, echo, paint, render
from pie.tool.terminal.text import (
    ago,
    error_cell,
    flow,
    keep_columns,
    mild_cell,
    note,
    number,
    plural,
    rate,
)

_COLUMNS = (
    Column(""),
    Column("SERVICE", cut=True),
    Column("CLUSTERS", cut=True),
    Column("QPS", right=True),
    Column("FAILURES", right=True),
    Column("REJECTED", right=True),
    Column("AVG ms", right=True),
    Column("P99 ms", right=True),
    Column("SEEN", right=True),
    Column("PROTOCOL"),
    Column("FRAMEWORK"),
    Column("OWNERS", cut=True),
)
_UNKNOWN = Cell("-", DIM)
_DISPENSABLE = ("OWNERS", "FRAMEWORK", "PROTOCOL", "SEEN", "P99 ms", "REJECTED", "CLUSTERS")
_TURN_S = 2.0


@click.command()
@click.argument("filter_", metavar="[FILTER]", default="")
@click.option("--watch", "-w", is_flag=True, help="Show it again every 2 s, until Ctrl-C.")
@click.option(
    "--window",
    type=click.IntRange(10, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="The time whose traffic is counted.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@with_api
def ls(api: Api, filter_: str, watch: bool, window: int, as_json: bool) -> None:
    """List the services of the fleet with their traffic.

    FILTER is a part of the name (article), or a pattern (toutiao.*.api). The whole name of a
    service shows its instances and interfaces.

    \b
    ● is registered now; ○ is known from calls only.

    \b
    pie ls                         every service
    pie ls article --watch         those whose name has "article", again and again
    pie ls toutiao.article.article one service
    pie ls --json | jq -r '.services[].psm'
    """
    if watch and as_json:
        raise click.UsageError("--watch is for people, --json for programs: choose one")
    if watch:
        _watch(api, filter_, window)
        return
    answer = _ask(api, filter_, window)
    if as_json:
        click.echo(json_text(answer, indent=2))
    elif filter_ in {each["psm"] for each in answer["services"]}:
        show_service(api, filter_, window, answer)
        return
    else:
        echo(_page(answer, filter_))
    if filter_ and not answer["services"]:
        raise click.exceptions.Exit(1)


def _ask(api: Api, filter_: str, window: int) -> dict[str, Any]:
    answer: dict[str, Any] = api.get("/api/services", {"window": window})
    answer["services"] = [each for each in answer["services"] if matches(each["psm"], filter_)]
    return answer


def matches(psm: str, filter_: str) -> bool:
    pattern = filter_.lower()
    if any(sign in pattern for sign in "*?["):
        return fnmatch.fnmatchcase(psm.lower(), pattern)
    return pattern in psm.lower()


def _page(answer: dict[str, Any], filter_: str, most: int | None = None) -> str:
    """The table and what to know about it; at most ``most`` services."""
    services = answer["services"]
    if not services:
        return _nothing(filter_)
    shown = services[:most]
    columns, rows = keep_columns(
        _COLUMNS,
        [_row(each, answer["now"], known=answer["traffic_known"]) for each in shown],
        _DISPENSABLE,
    )
    lines = [render(columns, rows), ""]
    lines += [paint(line, DIM) for line in _summary(services, answer, len(shown))]
    if not answer["traffic_known"]:
        lines.append(paint("the platform's store of facts is away: traffic is not known", WARN))
    return "\n".join(lines)


def _row(service: dict[str, Any], now: float, *, known: bool) -> list[str | Cell]:
    here = service["onboarded"]
    name = Cell(service["psm"], BOLD if here else DIM)
    clusters = ", ".join(f"{each['name']} {len(each['instances'])}" for each in service["clusters"])
    framework = f"{service['framework']} {service['framework_version']}".strip()
    called = service["calls"] > 0
    return [
        Cell("●", GOOD) if here else Cell("○", DIM),
        name,
        clusters or Cell("none", DIM),
        rate(service["qps"]) if known else _UNKNOWN,
        error_cell(service["failure_rate"], called) if known else _UNKNOWN,
        mild_cell(service["rejected_rate"], called) if known else _UNKNOWN,
        number(service["avg_ms"]) if called else _UNKNOWN,
        number(service["p99_ms"]) if called else _UNKNOWN,
        Cell(ago(service["last_seen"], now), DIM),
        service["protocol"],
        framework,
        Cell(", ".join(service["owners"]), DIM),
    ]


def _summary(services: list[dict[str, Any]], answer: dict[str, Any], shown: int) -> list[str]:
    instances = sum(len(each["instances"]) for one in services for each in one["clusters"])
    away = sum(not each["onboarded"] for each in services)
    parts = [plural(len(services), "service"), plural(instances, "instance")]
    if away:
        parts.append(f"{away} not on-boarded")
    if shown < len(services):
        parts.append(f"{len(services) - shown} more than fit here")
    return flow([*parts, f"traffic of the last {answer['window_s']} s"], "")


def _nothing(filter_: str) -> str:
    if filter_:
        return f"no service has {filter_!r} in its name; `pie ls` lists all"
    return (
        "no service has reported yet: generate one with `pietool` and run it; it registers by "
        "itself within seconds"
    )


def _watch(api: Api, filter_: str, window: int) -> None:
    """Print the table again and again; in a terminal over the previous one."""
    screen = sys.stdout.isatty()
    page, trouble = "", ""
    if screen:
        steer("\x1b[?1049h\x1b[?25l")
    try:
        while True:
            try:
                most = max(1, shutil.get_terminal_size().lines - 6) if screen else None
                page, trouble = _page(_ask(api, filter_, window), filter_, most), ""
            except PlatformAwayError as error:
                trouble = trouble or f"since {time.strftime('%H:%M:%S')}: {error.message}"
            except ApiError as error:
                if error.status < 500:
                    raise
                trouble = trouble or error.message
            _draw(page, trouble, screen=screen)
            time.sleep(_TURN_S)
    finally:
        if screen:
            steer("\x1b[?25h\x1b[?1049l")


def _draw(page: str, trouble: str, *, screen: bool) -> None:
    if not screen:
        echo(f"{time.strftime('%H:%M:%S')}\n{page}\n")
        if trouble:
            note(trouble)
        return
    title = paint(f"pie ls · {time.strftime('%H:%M:%S')} · Ctrl-C ends", DIM)
    lines = [title, *page.split("\n"), *([paint(trouble, WARN)] if trouble else [])]
    # Each line is cleared behind its text, not before it: nothing flickers.
    steer("\x1b[H" + "".join(f"{clean(line)}\x1b[K\n" for line in lines) + "\x1b[J")
