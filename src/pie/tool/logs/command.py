"""``pie logs``: search and follow the log lines of the fleet."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

import click

from pie.model import FOREIGN_LENGTH, PSM, accept_logid
from pie.tool.logs.lines import Line, Look, show_line, words_of
from pie.tool.logs.local import LocalLogs
from pie.tool.logs.query import LocalQuery, way_out
from pie.tool.logs.remote import Found, Wanted, follow, search
from pie.tool.ls.command import matches
from pie.tool.terminal.api import Api, ApiError, PlatformAwayError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import DIM, echo, terminal_width
from pie.tool.terminal.text import note
from pie.tool.terminal.when import When

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_WIDE = 150
_SHORT_LOGID = 8
_PSM_ROOM = 26


class _Output(NamedTuple):
    """Options of printing lines."""

    look: Look
    as_json: bool

    def show(self, lines: list[Line]) -> None:
        for line in lines:
            if self.as_json:
                click.echo(json_text(line))
            else:
                echo("\n".join(show_line(line, self.look)))
        if lines:
            sys.stdout.flush()


@click.command()
@click.argument("services", metavar="[PSM]...", nargs=-1)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on with what comes.")
@click.option("-q", "--query", default="", help="What to look for; see docs/log-search.md.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Lines of this level and worse.",
)
@click.option("--since", type=When(), help="15m, 2h, 1d; 10:30; 2026-11-25T10:00. [default: 1h]")
@click.option("--until", type=When(), help="The same; now by default.")
@click.option(
    "-n",
    "--lines",
    "count",
    type=click.IntRange(0, 100_000),
    help="How many, the newest. [default: 100; 10 with -f]",
)
@click.option("--logid", help="Lines of one call chain.")
@click.option("--cluster", multiple=True, help="Lines of this cluster; may repeat.")
@click.option("--host", multiple=True, help="Lines of this host; may repeat.")
@click.option("--full", is_flag=True, help="Whole logids and dates, in a narrow terminal too.")
@click.option("--local", is_flag=True, help="Read the files of this machine, not the platform.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@with_api
def logs(
    api: Api,
    services: tuple[str, ...],
    following: bool,
    query: str,
    level: str | None,
    since: float | None,
    until: float | None,
    count: int | None,
    logid: str | None,
    cluster: tuple[str, ...],
    host: tuple[str, ...],
    full: bool,
    local: bool,
    as_json: bool,
) -> None:
    """Print log lines, the newest last.

    PSM is the name of a service, a part of it or a pattern; without one, lines of all. Times are
    in the zone of this terminal. With the platform away, the files of this machine are read.

    \b
    pie logs toutiao.article.article             the last lines of a service
    pie logs -f                                  of all services, as they come
    pie logs -q 'timeout -retry' --since 2h      the lines of two hours
    pie logs --level error --since 1d article    errors of a day
    pie logs --logid 20261125100804127000000001efb720
    """
    if following and until is not None:
        raise click.UsageError("-f goes on for ever, and --until ends: choose one")
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until: nothing lies between")
    wanted = Wanted(
        query=query.strip(),
        level=(level or "").upper(),
        logid=_checked_logid(logid),
        cluster=cluster,
        host=host,
        since=since,
        until=until,
    )
    count = (10 if following else 100) if count is None else count
    if not local:
        try:
            wanted = wanted._replace(psm=_psms(services, lambda: _known(api)))
            _remote(api, wanted, count, following, _output_for(wanted, full, as_json))
            return
        except PlatformAwayError as error:
            _say_away(api, error)
    files = LocalLogs(api.workspace.log_root, LocalQuery(wanted.query, wanted.q))
    wanted = wanted._replace(psm=_psms(services, files.psms))
    _local(files, wanted, count, following, _output_for(wanted, full, as_json))


OutputMaker = Callable[[list[Line] | None], _Output]


def _output_for(wanted: Wanted, full: bool, as_json: bool) -> OutputMaker:
    """Makes the output for these lines; for those that come, when there are none to look at."""

    def make(lines: list[Line] | None) -> _Output:
        room = terminal_width()
        long = full or room is None
        psms = {line["psm"] for line in lines or ()}
        several = len(wanted.psm) != 1 if lines is None else len(psms) > 1
        today = date.fromtimestamp(time.time())
        dated = any(date.fromtimestamp(line["ts"]) != today for line in lines or ())
        named = max(map(len, psms), default=_PSM_ROOM)
        look = Look(
            date=long or dated,
            psm=0 if not several else named if long else min(named, _PSM_ROOM),
            logid=32 if long or (room or 0) >= _WIDE else _SHORT_LOGID,
            found=words_of(wanted.query),
        )
        return _Output(look, as_json)

    return make


def _remote(api: Api, wanted: Wanted, count: int, following: bool, output: OutputMaker) -> None:
    if not following:
        _show(search(api, wanted, count), wanted, output)
        return
    _show_as_they_come(follow(api, wanted, count, note), output)


def _local(
    files: LocalLogs, wanted: Wanted, count: int, following: bool, output: OutputMaker
) -> None:
    if following:
        _show_as_they_come(files.follow(wanted, count), output)
    else:
        _show(files.search(wanted, count), wanted, output)


def _show(found: Found, wanted: Wanted, output: OutputMaker) -> None:
    lines = found.lines
    output(lines).show(lines)
    for text in found.texts:
        note(f"{text} was searched as text: no line has such a field", DIM)
    if lines:
        return
    where = f" of {', '.join(wanted.psm)}" if wanted.psm else ""
    narrow = " of the last hour" if wanted.since is None and not wanted.logid else ""
    more = "; --since 1d looks further back" if narrow else ""
    note(f"no such line{where}{narrow}{more}{way_out(wanted.query)}", DIM)
    raise click.exceptions.Exit(1)


def _show_as_they_come(batches: Iterator[list[Line]], output: OutputMaker) -> None:
    printer = output(None)
    try:
        for batch in batches:
            printer.show(batch)
    except KeyboardInterrupt:
        # What was asked for: no error.
        raise click.exceptions.Exit(0) from None


def _say_away(api: Api, error: ApiError) -> None:
    if not LocalLogs(api.workspace.log_root).has_any():
        raise error
    reason = error.message.partition(":  ")[0].rpartition(": start it")[0] or error.message
    note(f"{reason}: reading the files of this machine in {api.workspace.log_root}")


def _known(api: Api) -> list[str]:
    return [each["psm"] for each in api.get("/api/services")["services"]]


def _psms(given: tuple[str, ...], known: Callable[[], list[str]]) -> list[str]:
    """Whole names as they are; parts and patterns through the services that are known."""
    found: list[str] = []
    for text in given:
        if _is_psm(text):
            found.append(text)
            continue
        names = known()
        fitting = [name for name in names if matches(name, text)]
        if not fitting:
            raise click.ClickException(
                f"no service has {text!r} in its name; known: {', '.join(names) or 'none'}"
            )
        found += fitting
    return list(dict.fromkeys(found))


def _is_psm(text: str) -> bool:
    try:
        PSM.parse(text)
    except ValueError:
        return False
    return True


def _checked_logid(logid: str | None) -> str:
    if logid is None:
        return ""
    normal = accept_logid(logid)
    if normal is None:
        raise click.UsageError(
            f"{logid[:100]!r} is not a logid: it has 32 characters 0-9 a-f, or in a chain that "
            f"began elsewhere up to {FOREIGN_LENGTH} visible characters"
        )
    return normal
