"""``pie people``: who may use the platform, and their tokens."""

from typing import Any

import click

from pie.tool.people.view import show_people, show_person
from pie.tool.terminal.api import Api, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo
from pie.tool.terminal.text import moment, note

_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
_REASON = click.option("--reason", default="", help="Why; it stands in the audit.")
_DAYS = click.option(
    "--days",
    type=click.IntRange(0, 3660),
    default=90,
    show_default=True,
    help="Until the token expires; 0 for never.",
)
_NOTE = click.option("--note", "note_", default="", help="What the token is for.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def people() -> None:
    """Who may use the platform, with which tokens.

    \b
    pie people list
    pie people add lihua --token         a new person, and their first token
    pie people token                     another token of your own
    pie people revoke lihua k3x81mvq0a   end one
    pie people disable lihua             end all of them, and every session
    """


@people.command("list")
@click.argument("filter_", metavar="[FILTER]", default="")
@_JSON
@with_api
def list_(api: Api, filter_: str, as_json: bool) -> None:
    """List people, those with FILTER in their name, and the tokens that you may see."""
    answer = api.get("/api/people", {"q": filter_})
    if as_json:
        click.echo(json_text(answer, indent=2))
    else:
        echo("\n".join(show_people(answer)))


@people.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="They may change everything, people included.")
@click.option("--token", "with_token", is_flag=True, help="Make and print their first token.")
@_DAYS
@_REASON
@_JSON
@with_api
def add(
    api: Api,
    name: str,
    admin: bool,
    with_token: bool,
    days: int,
    reason: str,
    as_json: bool,
) -> None:
    """Add a person. NAME is the one by which owners of services are named."""
    person = api.send("POST", "/api/people", {"name": name, "admin": admin, "reason": reason})
    if with_token:
        _make_token(api, person["name"], days, "", reason, as_json)
    else:
        _print(person, as_json)


@people.command()
@click.argument("name", default="")
@_DAYS
@_NOTE
@_REASON
@_JSON
@with_api
def token(api: Api, name: str, days: int, note_: str, reason: str, as_json: bool) -> None:
    """Make a token: your own, or as an admin that of NAME. It is printed this once."""
    _make_token(api, name or _own_name(api), days, note_, reason, as_json)


@people.command()
@click.argument("name")
@click.argument("token_id", metavar="TOKEN")
@_REASON
@_JSON
@with_api
def revoke(api: Api, name: str, token_id: str, reason: str, as_json: bool) -> None:
    """End a token of NAME, by its id, and the sessions that began with it."""
    path = f"/api/people/{api.quoted(name)}/tokens/{api.quoted(token_id)}"
    _print(api.send("DELETE", path, params={"reason": reason}), as_json)


@people.command()
@click.argument("name")
@_REASON
@_JSON
@with_api
def disable(api: Api, name: str, reason: str, as_json: bool) -> None:
    """Let NAME in no more: tokens and sessions end within a second."""
    _put(api, name, {"disabled": True, "reason": reason}, as_json)


@people.command()
@click.argument("name")
@_REASON
@_JSON
@with_api
def enable(api: Api, name: str, reason: str, as_json: bool) -> None:
    """Let NAME in again, with the tokens they had."""
    _put(api, name, {"disabled": False, "reason": reason}, as_json)


@people.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="No longer an admin.")
@_REASON
@_JSON
@with_api
def admin(api: Api, name: str, off: bool, reason: str, as_json: bool) -> None:
    """Make NAME an admin."""
    _put(api, name, {"admin": not off, "reason": reason}, as_json)


def _put(api: Api, name: str, change: dict[str, Any], as_json: bool) -> None:
    _print(api.send("PUT", f"/api/people/{api.quoted(name)}", change), as_json)


def _make_token(api: Api, name: str, days: int, note_: str, reason: str, as_json: bool) -> None:
    body = {"days": days, "note": note_, "reason": reason}
    made = api.send("POST", f"/api/people/{api.quoted(name)}/tokens", body)
    if as_json:
        click.echo(json_text(made, indent=2))
        return
    # The token alone on stdout, so that a pipe or a file gets nothing else.
    click.echo(made["text"])
    expires = made["token"]["expires"]
    until = f"good until {moment(expires)}" if expires else "it does not expire"
    note(f"the token of {name}, {until}. It is not shown again: `pie login` takes it")


def _own_name(api: Api) -> str:
    name: str = api.get("/api/session")["user"]
    return name


def _print(person: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json_text(person, indent=2))
    else:
        echo("\n".join(show_person(person)))
