"""``pie chain``: what one request did, as a tree."""

import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from pie.model import logid_time
from pie.tool.chain.tree import find_logids
from pie.tool.chain.view import show_chain
from pie.tool.terminal.api import Api, ApiError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo
from pie.tool.terminal.text import note

_MOST_LINES = 5000
_FRESH_S = 60.0
_WAIT_S = 6.0
_KEPT_DAYS = 10


@click.command()
@click.argument("text", metavar="LOGID", nargs=-1, required=True)
@click.option("--logs", is_flag=True, help="Show the log lines of each node under it.")
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@with_api
def chain(api: Api, text: tuple[str, ...], logs: bool, as_json: bool) -> None:
    """Show one call chain: the tree of its servers, and the calls its callers made.

    LOGID may be a text that contains one, or - for the standard input. A node -1 is a call whose
    server side was never logged. Heavy lines are the server's time, light ones its caller's wait.

    \b
    pie chain 20261125100804127000000001efb720
    pie chain --logs 20261125100804127000000001efb720
    curl -si http://127.0.0.1:7701/ | pie chain -
    """
    logid = _logid(sys.stdin.read() if text == ("-",) else " ".join(text))
    found = _chain(api, logid)
    lines = None
    if logs:
        lines = api.get(f"/api/chains/{logid}/logs", {"limit": _MOST_LINES})
    if as_json:
        whole = found if lines is None else {**found, "logs": lines}
        click.echo(json_text(whole, indent=2))
        return
    echo("\n".join(show_chain(found, lines)))


def _logid(text: str) -> str:
    found = find_logids(text)
    if not found:
        shown = " ".join(text.split())
        raise click.UsageError(
            f"no logid in {shown[:100]!r}: one has 32 characters 0-9 a-f, such as "
            "2017041721432901000304821652640c; it is in the X-Tt-Logid header of an answer, and in "
            "each log line"
        )
    if len(found) > 1:
        note(f"there are {len(found)} logids; this is the first: {' '.join(found)}")
    return found[0]


def _chain(api: Api, logid: str) -> dict[str, Any]:
    """Ask; of a request that was just made, ask again: its records are on their way."""
    made = logid_time(logid)
    age = None if made is None else (datetime.now(UTC) - made).total_seconds()
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            found: dict[str, Any] = api.get(f"/api/chains/{logid}")
            return found
        except ApiError as error:
            if error.status != 404:
                raise
            fresh = age is not None and -_FRESH_S < age < _FRESH_S
            if not fresh or time.monotonic() > deadline:
                raise ApiError(_unknown(api, logid, age), 404) from None
            time.sleep(0.5)


def _unknown(api: Api, logid: str, age: float | None) -> str:
    if age is None:
        when = "it carries no time of its own: another system made it"
    elif age > _KEPT_DAYS * 86_400:
        when = f"it is {age / 86_400:,.0f} days old, and chains are kept for {_KEPT_DAYS}"
    else:
        when = (
            "either no service of this fleet served it, or its records have not arrived: see with "
            "`pie status` whether an agent runs where the services run"
        )
    return (
        f"no call of {logid} is stored at {api.url}; {when}. "
        f"`pie logs --logid {logid}` looks for its lines"
    )
