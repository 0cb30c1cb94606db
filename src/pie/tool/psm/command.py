"""``pie psm``: who owns what."""

from collections.abc import Callable
from typing import Any, TextIO

import click

from pie.state.tokens import bound_token
from pie.tool.psm.view import show_name, show_tree
from pie.tool.terminal.api import Api, ApiError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo

_NOTHING: dict[str, Any] = {
    "owners": [],
    "description": "",
    "docs": "",
    "repository": "",
    "on_call": "",
    "tier": None,
}
_TIERS = ("0", "1", "2", "3", "none")
_MOST = 20_000
_LONGEST_TOKEN = 4096
_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def psm() -> None:
    """Show who owns which products, subsystems and PSMs, and change it.

    \b
    pie psm ls --unowned
    pie psm show toutiao.article.article
    pie psm claim toutiao.article.article
    pie psm set toutiao.article --owner wangdi --owner lihua
    """


@psm.command("ls")
@click.argument("filter_", metavar="[FILTER]", default="")
@click.option("--mine", "which", flag_value="mine", help="Only yours.")
@click.option("--unowned", "which", flag_value="unowned", help="Only those that nobody owns.")
@click.option("--typo", "which", flag_value="typo", help="Only names like another name.")
@_JSON
@with_api
def list_(api: Api, filter_: str, which: str | None, as_json: bool) -> None:
    """List PSMs with their owners. FILTER is a part of the name, or of an owner's name."""
    answer = api.get("/api/psm", {"q": filter_, "filter": which, "limit": _MOST})
    _print(answer, as_json, show_tree)


@psm.command("token")
@click.argument("name", metavar="PSM")
@click.argument("file", type=click.File())
def token_(name: str, file: TextIO) -> None:
    """Print the token of one service, made from the service token in FILE (service.token of the
    platform's directory). A process with it registers as PSM and reads PSM's configuration, and
    does neither for another service."""
    master = file.read(_LONGEST_TOKEN).strip()
    if not master or master.startswith("pie1."):
        raise click.ClickException(f"{file.name} does not hold the platform's service token")
    try:
        click.echo(bound_token(master, name))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@psm.command()
@click.argument("name")
@_JSON
@with_api
def show(api: Api, name: str, as_json: bool) -> None:
    """Show one product, subsystem or PSM, and who changed what."""
    _print(api.get(f"/api/psm/{name}"), as_json, show_name)


@psm.command()
@click.argument("name", metavar="PSM")
@_JSON
@with_api
def claim(api: Api, name: str, as_json: bool) -> None:
    """Become the owner of a PSM that nobody owns."""
    _print(api.send("POST", f"/api/psm/{name}/claim"), as_json, show_name)


@psm.command("set")
@click.argument("name")
@click.option("--owner", "owners", multiple=True, help="An owner; all of them are replaced.")
@click.option("--description", help="What it is for.")
@click.option("--docs", help="Address of its documentation.")
@click.option("--repository", help="Address of its repository.")
@click.option("--on-call", help="Who is called when it fails: a person, a rota, an address.")
@click.option("--tier", type=click.Choice(_TIERS), help="0: everything depends on it … 3.")
@click.option("--reason", default="", help="Why it changes; the history keeps it.")
@_JSON
@with_api
def set_(api: Api, /, name: str, as_json: bool, reason: str, **given: Any) -> None:
    """Change what is declared of a product, subsystem or PSM; the rest stays."""
    wanted = {field: value for field, value in given.items() if value not in (None, ())}
    if not wanted:
        raise click.UsageError("nothing to change: give --owner, --description or another option")
    if "owners" in wanted:
        wanted["owners"] = [owner for owner in wanted["owners"] if owner]  # --owner '' clears
    if "tier" in wanted:
        wanted["tier"] = None if wanted["tier"] == "none" else int(wanted["tier"])
    found = _find(api, name)
    now = found["declared"] if found else _NOTHING
    body = {"version": found["version"] if found else 0, **now, **wanted, "reason": reason}
    _print(api.send("PUT", f"/api/psm/{name}", body), as_json, show_name)


def _find(api: Api, name: str) -> dict[str, Any] | None:
    """What is known of a name; None for one that nobody knows yet."""
    try:
        found: dict[str, Any] = api.get(f"/api/psm/{name}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return found


def _print(
    answer: dict[str, Any], as_json: bool, show_lines: Callable[[dict[str, Any]], list[str]]
) -> None:
    if as_json:
        click.echo(json_text(answer, indent=2))
    else:
        echo("\n".join(show_lines(answer)))
