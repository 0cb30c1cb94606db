"""``pie login``, ``pie logout``, ``pie whoami``: who this user is for a platform."""

import os
import sys
import time

import click

from pie.tool.terminal.api import Api, ApiError, TokenSource, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.location import find_workspace
from pie.tool.terminal.logins import Login, Logins
from pie.tool.terminal.table import BOLD, DIM, WARN, echo, paint
from pie.tool.terminal.text import moment, note, span

_ROLES = {"admin": "an admin", "person": "no admin", "service": "a service, not a person"}
_SOON_S = 7 * 86_400
_PLATFORM = click.option(
    "--platform",
    "url",
    metavar="URL",
    help="Address of the platform: else $PIE_PLATFORM, else the workspace's.",
)


class _Typed(TokenSource):
    """The token that was typed, or came from a pipe."""

    source = "this login"
    is_login = False

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> str:
        return self._text


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_PLATFORM
def login(url: str | None) -> None:
    """Log in to a platform with a token of yours, which an admin or the page /admin gives.

    It is asked for, or read from a pipe, and kept in ~/.config/pie/logins.json for this user alone.
    Later commands for this platform use it; $PIE_TOKEN and --token-file go before it.

    \b
    pie login
    pie login --platform http://pie.example:8790 < token
    """
    workspace = find_workspace()
    address = url or workspace.platform
    if sys.stdin.isatty():
        text = click.prompt(f"Token for {address}", hide_input=True, default="", show_default=False)
    else:
        text = sys.stdin.readline()
    text = text.strip()
    if not text.isascii() or not text.isprintable() or not text:
        raise click.ClickException(
            "that is not a token: ask an admin for one (`pie people token NAME`), or make one on "
            f"{address.rstrip('/')}/admin"
        )
    session = _session_of(Api(address, _Typed(text), workspace))
    if session["role"] == "service":
        raise click.ClickException(
            "that is the token of services: people log in with a token of their own"
        )
    logins = Logins(os.environ)
    logins.set(address, Login(session["user"], text))
    echo(f"logged in to {address} as {paint(session['user'], BOLD)}, {_ROLES[session['role']]}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_PLATFORM
def logout(url: str | None) -> None:
    """Forget the token of `pie login` on this machine.

    It stays good: `pie people revoke` ends it.
    """
    address = url or find_workspace().platform
    gone = Logins(os.environ).remove(address)
    if gone is None:
        echo(f"there was no login to {address}")
    else:
        echo(f"logged out of {address}, as {gone.user}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@with_api
def whoami(api: Api, as_json: bool) -> None:
    """Show who you are for the platform, and which token says so."""
    session = api.get("/api/session")
    if as_json:
        click.echo(json_text(session, indent=2))
        return
    echo(f"{paint(session['user'], BOLD)}, {_ROLES[session['role']]}, on {api.url}")
    token = f"token {session['token']} " if session["token"] else "a token "
    echo(paint(f"{token}from {api.token_source}{_life(api, session)}", DIM))


def _session_of(api: Api) -> dict[str, str]:
    try:
        session: dict[str, str] = api.get("/api/session")
    except ApiError as error:
        if error.status != 401:
            raise
        raise click.ClickException(
            f"{api.url} does not know this token: it is wrong, expired or revoked. Ask an admin "
            "for another"
        ) from None
    return session


def _life(api: Api, session: dict[str, str]) -> str:
    """Until when a personal token is good."""
    if not session["token"]:
        return ""
    tokens = api.get(f"/api/people/{api.quoted(session['user'])}")["tokens"] or []
    for each in tokens:
        if each["id"] == session["token"] and each["expires"]:
            left = each["expires"] - time.time()
            if left < _SOON_S:
                note(f"it expires in {span(left)}: make another with `pie people token`", WARN)
            return f", good until {moment(each['expires'])}"
    return ""
