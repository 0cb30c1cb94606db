"""``pie debug``: look into a running process of this machine through its debug socket."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from pie.serve.debug import DebugClient, DebugError, remove_stale
from pie.tool.ls.command import matches
from pie.tool.terminal.api import Api, ApiError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import BOLD, DIM, Cell, Column, echo, paint, render
from pie.tool.terminal.text import keep_columns, milliseconds, plural

_NAME = re.compile(r"(?P<psm>.+)\.(?P<pid>\d+)\.sock")


class _Socket(NamedTuple):
    psm: str
    pid: int
    path: Path


@click.command()
@click.argument("target", metavar="[PSM|SOCKET]", default="")
@click.argument("command", default="help")
@click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--pid", type=int, help="Which process, when a service has several here.")
@click.option("--json", "as_json", is_flag=True, help="Print what the process answers.")
@with_api
def debug(
    api: Api,
    target: str,
    command: str,
    arguments: tuple[str, ...],
    pid: int | None,
    as_json: bool,
) -> None:
    """Ask a running service what it is doing, on the machine where it runs.

    PSM is a service, or a part of its name; without one, the processes that can be asked are
    listed. The command help lists what the process answers.

    \b
    pie debug                                    who can be asked here
    pie debug article stacks                     what each thread is doing
    pie debug article calls                      the calls being served
    pie debug article settings                   settings, and where they came from
    pie debug article gc objects=true            the garbage collector
    pie debug article loglevel DEBUG             set the level, until it ends
    """
    sockets = _sockets(api.workspace.log_root)
    if not target:
        _list(sockets, api.workspace.log_root)
        return
    path = Path(target)
    if "/" not in target:
        path = _chosen(api, sockets, target, pid).path
    elif not path.is_socket():
        raise click.ClickException(f"{path} is no socket; `pie debug` lists those that are here")
    try:
        answer = DebugClient(path).ask(command, **_given(command, arguments))
    except DebugError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json_text(answer, indent=2))
    else:
        echo(_text(command, answer))


def _sockets(log_root: Path) -> list[_Socket]:
    for folder in log_root.glob("*/debug"):
        remove_stale(folder)
    found = []
    for path in sorted(log_root.glob("*/debug/*.sock")):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.append(_Socket(match["psm"], int(match["pid"]), path))
    return found


def _list(sockets: list[_Socket], log_root: Path) -> None:
    if not sockets:
        raise click.ClickException(f"no process of {log_root} can be asked: is a service running?")
    columns = (Column("SERVICE"), Column("PID", right=True), Column("SOCKET"))
    rows: list[list[str | Cell]] = [
        [Cell(each.psm, BOLD), str(each.pid), Cell(str(each.path), DIM)] for each in sockets
    ]
    echo(render(*keep_columns(columns, rows, ("SOCKET",))))


def _chosen(api: Api, sockets: list[_Socket], target: str, pid: int | None) -> _Socket:
    exact = [each for each in sockets if each.psm == target]
    fitting = exact or [each for each in sockets if matches(each.psm, target)]
    if pid is not None:
        fitting = [each for each in fitting if each.pid == pid]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(f"{each.psm} {each.pid}" for each in fitting)
        raise click.UsageError(f"{len(fitting)} processes fit: {names}; choose one with --pid")
    who = f"{target!r}" if pid is None else f"{target!r} with process id {pid}"
    raise click.ClickException(
        f"no process of {who} can be asked in {api.workspace.log_root}{_elsewhere(api, target)}"
    )


def _elsewhere(api: Api, target: str) -> str:
    """The hosts of the service, if the platform knows them."""
    try:
        services = api.get("/api/services")["services"]
    except (ApiError, click.ClickException):
        return ""
    hosts = sorted(
        {
            instance["address"]
            for service in services
            if matches(service["psm"], target)
            for cluster in service["clusters"]
            for instance in cluster["instances"]
        }
    )
    return f"; it runs at {', '.join(hosts)}: ask there" if hosts else ""


def _given(command: str, arguments: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for each in arguments:
        name, equals, value = each.partition("=")
        if not equals and command == "loglevel" and "level" not in given:
            name, equals, value = "level", "=", each
        if not equals or name == "command":
            raise click.UsageError(f"{each!r} is not name=value")
        given[name] = value
    return given


def _text(command: str, answer: Any) -> str:
    shapes: dict[str, Callable[[Any], str]] = {
        "help": _help,
        "stacks": _stacks,
        "calls": _calls,
        "settings": _settings,
    }
    return shapes.get(command, _pairs)(answer)


def _help(answer: dict[str, str]) -> str:
    return render((Column("COMMAND"), Column("")), [[*each] for each in answer.items()])


def _stacks(answer: list[dict[str, Any]]) -> str:
    lines = []
    for each in answer:
        daemon = " daemon" if each["daemon"] else ""
        lines.append(paint(each["thread"], BOLD) + paint(f"  {each['ident']}{daemon}", DIM))
        for frame in each["stack"]:
            position, _, code = frame.partition(": ")
            lines.append(f"    {paint(position, DIM)}  {code}".rstrip())
    return "\n".join(lines)


def _calls(answer: list[dict[str, Any]]) -> str:
    if not answer:
        return "no call is being served or waited for"
    columns = (
        Column("SIDE"),
        Column("CALLEE", cut=True),
        Column("METHOD", cut=True),
        Column("FOR", right=True),
        Column("LOGID"),
        Column("PEER"),
        Column("THREAD", cut=True),
    )
    rows: list[list[str | Cell]] = [
        [
            each["side"],
            Cell(each["callee"], BOLD),
            each["method"],
            milliseconds(each["age_ms"]),
            each["logid"] or Cell("-", DIM),
            each["peer"] or Cell("-", DIM),
            each["thread"],
        ]
        for each in answer
    ]
    return f"{plural(len(rows), 'call')}\n{render(columns, rows)}"


def _settings(answer: list[dict[str, str]]) -> str:
    columns = (Column("KEY"), Column("VALUE", cut=True), Column("FROM"))
    return render(
        columns,
        [
            [
                Cell(each["key"], DIM if each["source"] == "default" else BOLD),
                each["value"],
                Cell(each["source"], DIM),
            ]
            for each in answer
        ],
    )


def _pairs(answer: Any) -> str:
    if not isinstance(answer, dict):
        return json_text(answer, indent=2)
    room = max(map(len, answer), default=0)
    return "\n".join(
        f"{name:<{room}}  {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in answer.items()
    )
