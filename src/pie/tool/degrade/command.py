"""``pie degrade``: which parts of services are switched off; switching them off and on."""

import re
import time
from typing import Any

import click

from pie.tool.degrade.view import show_flipped, show_switch, show_switches
from pie.tool.terminal.api import Api, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo

_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
_REASON = click.option("-m", "--reason", required=True, help="Why; everybody sees it.")
_GROUP = click.option("--group", help="All switches of this group, instead of one.")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


class Span(click.ParamType[float]):
    """A length of time: ``90s``, ``15m``, ``2h``, ``1d``; in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no length of time: write 90s, 15m, 2h or 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def degrade() -> None:
    """Show what is switched off in the fleet, and switch parts of services off and on.

    \b
    pie degrade ls --off
    pie degrade off toutiao.article.article recommend -m "the model is slow" --for 1h
    pie degrade on toutiao.article.article recommend -m "fast again"
    pie degrade off --group evening-peak -m "the final"
    """


@degrade.command("ls")
@click.argument("text", default="")
@click.option("--off", is_flag=True, help="Only what is not on.")
@_JSON
@with_api
def list_(api: Api, text: str, off: bool, as_json: bool) -> None:
    """List switches; TEXT is a part of a switch, service, owner or reason."""
    page = api.get("/api/degrade")
    page["switches"] = [
        row
        for row in page["switches"]
        if (not off or row["state"] != "on")
        and text.lower()
        in " ".join([row["name"], row["psm"], row["reason"], *row["owners"]]).lower()
    ]
    if as_json:
        click.echo(json_text(page, indent=2))
    else:
        echo("\n".join(show_switches(page)))


@degrade.command()
@click.argument("psm", required=False)
@click.argument("switch", required=False)
@_GROUP
@_REASON
@click.option("--for", "span", type=Span(), help="It comes on again by itself after this time.")
@click.option("--percent", type=click.FloatRange(0, 100), default=100.0, help="Of the calls.")
@click.option(
    "--by",
    type=click.Choice(["chain", "user", "chance"]),
    default="chain",
    help="What a part of the calls keeps together.",
)
@click.option("--on", "failures", multiple=True, help="Only after this failure, such as deadline.")
@click.option("--force", is_flag=True, help="Also a name that no process has reported.")
@_JSON
@with_api
def off(
    api: Api,
    psm: str | None,
    switch: str | None,
    group: str | None,
    reason: str,
    span: float | None,
    percent: float,
    by: str,
    failures: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Switch a part of a service off."""
    body = {
        "off": True,
        "reason": reason,
        "until": None if span is None else time.time() + span,
        "percent": percent,
        "by": by,
        "on": list(failures),
        "force": force,
    }
    _flip(api, psm, switch, group, body, as_json=as_json)


@degrade.command()
@click.argument("psm", required=False)
@click.argument("switch", required=False)
@_GROUP
@_REASON
@_JSON
@with_api
def on(
    api: Api, psm: str | None, switch: str | None, group: str | None, reason: str, as_json: bool
) -> None:
    """Switch a part of a service on again."""
    body = {"off": False, "reason": reason}
    _flip(api, psm, switch, group, body, as_json=as_json)


def _searched(row: dict[str, Any]) -> str:
    return " ".join([row["name"], row["psm"], row["reason"], *row["owners"]]).lower()


def _flip(
    api: Api,
    psm: str | None,
    switch: str | None,
    group: str | None,
    body: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    if group is not None and psm is None:
        done = api.send("POST", f"/api/degrade/groups/{group}/flip", body)
        if as_json:
            click.echo(json_text(done, indent=2))
        else:
            echo("\n".join(show_flipped(done, off=body["off"])))
        failed = sum(bool(each["error"]) for each in done["switches"])
        if failed:
            raise click.ClickException(f"{failed} of {len(done['switches'])} were not flipped")
        return
    if psm is None or switch is None or group is not None:
        raise click.UsageError("give PSM and SWITCH, or --group NAME")
    row = api.send("PUT", f"/api/degrade/{psm}/{switch}", body)
    if as_json:
        click.echo(json_text(row, indent=2))
    else:
        echo("\n".join(show_switch(row)))
