"""``pie changes``: what was changed, by whom, why."""

from typing import Any

import click

from pie.tool.changes.view import show_change, show_changes
from pie.tool.terminal.api import Api, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo
from pie.tool.terminal.when import When

KINDS = (
    "config", "degrade", "drain", "freeze", "owner", "people", "release", "rollout", "rule",
    "switch", "task",
)  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("psm", default="")
@click.option("--since", type=When(), help="Time, or how long ago: 2h, 10:30. Default: 7 days.")
@click.option("--until", type=When(), help="Time, or how long ago.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this kind.")
@click.option("--by", "person", default="", help="Only what this person did.")
@click.option("-q", "text", default="", help="A part of what was changed, or of the reason.")
@click.option("-n", "limit", type=click.IntRange(1, 500), default=30, show_default=True)
@click.option("--diff", "diffs", is_flag=True, help="With what differs, line by line.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@with_api
def changes(
    api: Api,
    psm: str,
    since: float | None,
    until: float | None,
    kinds: tuple[str, ...],
    person: str,
    text: str,
    limit: int,
    diffs: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what was changed: rules, config, switches, owners, people and releases.

    PSM is a service, or a subsystem or product with all that belongs to it.

    \b
    pie changes toutiao.article.article --since 2h
    pie changes --kind rule --by lihua --diff
    """
    wanted: dict[str, Any] = {
        "psm": psm, "since": since, "until": until, "kind": kinds, "person": person, "q": text,
    }  # fmt: skip
    if as_csv:
        click.echo(api.text("/api/changes/export", wanted), nl=False)
        return
    answer = api.get("/api/changes", {**wanted, "limit": limit})
    if as_json:
        click.echo(json_text(answer, indent=2))
    elif diffs:
        for change in answer["changes"]:
            echo("\n".join(show_change(api.get(f"/api/changes/{change['id']}"))) + "\n")
    else:
        echo("\n".join(show_changes(answer)))
