"""``pie drain``: no more calls to a host or an instance, and what still comes."""

import time
from collections.abc import Mapping
from typing import Any

import click

from pie.tool.terminal.api import Api, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import BOLD, DIM, GOOD, WARN, Cell, Column, echo, paint, render
from pie.tool.terminal.text import ago, note, rate

_STEP_S = 2.0
_QUIET_S = 20.0
"""The newest ten seconds of counts are on their way: after so long without a call, none comes."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", default="", metavar="[HOST|INSTANCE]")
@click.option("--undo", is_flag=True, help="Let calls come again.")
@click.option("-m", "--reason", default="", help="Why; the history keeps it.")
@click.option("--watch", is_flag=True, help="Go on until no call comes any more.")
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@with_api
def drain(api: Api, target: str, undo: bool, reason: str, watch: bool, as_json: bool) -> None:
    """Let no calls go to a HOST or an INSTANCE, though it is registered and serves.

    \b
    pie drain 10.3.23.162 -m "disk is dying"     every service on a host
    pie drain 10.3.23.162:7721 --watch           one instance, until it is quiet
    pie drain 10.3.23.162 --undo
    pie drain                                    what is drained

    An instance is named by host:port or by its id (`sd lookup PSM`). Its callers follow within a
    second; it stays registered, and what still comes is counted. Where all instances of a service
    are drained, calls go to them all the same.
    """
    if not target:
        found = api.get("/api/drain")
        echo(json_text(found, indent=2) if as_json else "\n".join(_list(found)))
        return
    body = {"target": target, "reason": reason}
    found = api.send("DELETE" if undo else "POST", "/api/drain", body)
    echo(json_text(found, indent=2) if as_json else "\n".join(_show(found, undo=undo)))
    if watch and not undo:
        _watch(api, target)
    refused = [each for each in found["services"] if each["refused"]]
    if refused:
        raise click.ClickException(
            "; ".join(f"{each['psm']}: {each['refused']}" for each in refused)
        )


def _list(found: Mapping[str, Any]) -> list[str]:
    if not found["drains"]:
        return ["nothing is drained"]
    rows: list[list[str | Cell]] = [
        [
            Cell(each["name"], BOLD),
            each["part"].removesuffix("s"),
            each["psm"],
            each["author"],
            Cell(ago(each["at"], found["now"]), DIM),
            each["comment"],
        ]
        for each in found["drains"]
    ]
    columns = (
        Column("DRAINED"),
        Column("IS"),
        Column("SERVICE", cut=True),
        Column("BY"),
        Column("CHANGED"),
        Column("WHY", cut=True),
    )
    return [render(columns, rows)]


def _show(found: Mapping[str, Any], *, undo: bool) -> list[str]:
    what = "host" if found["is_host"] else "instance"
    state = "calls go to it again" if undo else "no calls are sent to it from now on"
    head = f"{what} {paint(found['target'], BOLD)}: {state}"
    rows: list[list[str | Cell]] = []
    for service in found["services"]:
        for each in service["instances"]:
            drained = Cell("drained", GOOD) if service["drained"] else Cell("open", DIM)
            callers = ", ".join(
                f"{one['caller'] or '(none)'} {rate(one['qps'])}" for one in each["callers"][:3]
            )
            rows.append(
                [
                    service["psm"],
                    each["cluster"],
                    each["address"],
                    Cell("refused", WARN) if service["refused"] else drained,
                    rate(each["qps"]),
                    Cell(ago(each["last"], found["now"]), DIM),
                    callers,
                ]
            )
    columns = (
        Column("SERVICE", cut=True),
        Column("CLUSTER"),
        Column("ADDRESS"),
        Column("STATE"),
        Column("CALLS/s, 1 min", right=True),
        Column("LAST", right=True),
        Column("OF", cut=True),
    )
    lines = [head, "", render(columns, rows)]
    if not found["calls_known"]:
        lines.append(paint("what still comes is not known: the store of calls is down", WARN))
    return lines


def _watch(api: Api, target: str) -> None:
    """Until no instance has been called for a while."""
    while True:
        found = api.get("/api/drain/target", {"target": target})
        last = max(
            (each["last"] for service in found["services"] for each in service["instances"]),
            default=0,
        )
        if found["calls_known"] and found["now"] - last >= _QUIET_S:
            note("no call comes any more", GOOD)
            return
        note(f"last call {ago(last, found['now'])} ...", DIM)
        time.sleep(_STEP_S)
