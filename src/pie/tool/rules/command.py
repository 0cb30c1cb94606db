"""``pie rules``: what is in force, and changing it."""

import time
from pathlib import Path
from typing import Any

import click

from pie.tool.rules import publish as steps
from pie.tool.rules.edit import Editing
from pie.tool.rules.source import given_rules, path_of
from pie.tool.rules.view import (
    show_check,
    show_diff,
    show_explanation,
    show_fleet,
    show_history,
    show_kinds,
    show_service,
)
from pie.tool.terminal.api import Api, ApiError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo
from pie.tool.terminal.text import note

_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
_SIDE = click.option(
    "--side",
    type=click.Choice(["server", "client", "callers"]),
    help="server: calls that PSM serves; client: calls that it makes; callers: what its callers "
    "follow. Else the first that the kind has.",
)
_COMMENT = click.option("-m", "--comment", default="", help="Why; the history keeps it.")
_NOW = click.option("--now", is_flag=True, help="On every instance at once, without a roll-out.")
_YES = click.option("-y", "--yes", "sure", is_flag=True, help="Publish without asking.")
_WAIT = click.option(
    "--wait", type=float, default=0.0, metavar="SECONDS",
    help="Wait until every instance runs it.",
)  # fmt: skip


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@_JSON
@click.pass_context
@with_api
def rules(api: Api, context: click.Context, as_json: bool) -> None:
    """Show and change the rules of services. Without a command: what is in force in the fleet.

    \b
    pie rules get toutiao.article.article
    pie rules edit toutiao.article.article rate
    pie rules set toutiao.article.article rate caller=toutiao.feed.* qps=90
    pie rules preview toutiao.article.article access deny.yaml
    pie rules explain toutiao.article.article GetArticle --caller toutiao.stream.api
    pie rules freeze -m "incident 4711"
    """
    if context.invoked_subcommand is None:
        found = api.get("/api/rules")
        _print(found, as_json, show_fleet(found))


@rules.command()
@click.argument("psm")
@click.argument("kind", default="")
@_SIDE
@_JSON
@with_api
def get(api: Api, psm: str, kind: str, side: str | None, as_json: bool) -> None:
    """Show the rules of a service; of one KIND as YAML, which `set` takes back."""
    if kind:
        found = api.get(path_of(psm, kind, side))
        click.echo(json_text(found, indent=2) if as_json else found["yaml"].rstrip("\n"))
        return
    found = api.get(f"/api/rules/{psm}")
    _print(found, as_json, show_service(found))


@rules.command()
@click.argument("kind", default="")
@_JSON
@with_api
def kinds(api: Api, kind: str, as_json: bool) -> None:
    """List the kinds of rules, or explain the fields of one KIND."""
    found = api.get("/api/rules/kinds")
    known = [each["kind"] for each in found["kinds"]]
    if kind and kind not in known:
        raise click.UsageError(f"{kind!r} is no kind of rules; kinds: {', '.join(known)}")
    _print(found, as_json, show_kinds(found, kind))


@rules.command("set")
@click.argument("psm")
@click.argument("kind")
@click.argument("source", nargs=-1, required=True, metavar="FILE|-|KEY=VALUE...")
@click.option("--remove", is_flag=True, help="Take the rule of this scope away.")
@click.option("--seen", type=int, help="Version that the file was made from, if it does not say.")
@_SIDE
@_COMMENT
@_NOW
@_YES
@_WAIT
@with_api
def set_(api: Api, /, psm: str, kind: str, source: tuple[str, ...], **more: Any) -> None:
    """Publish rules: all of a KIND from a FILE or stdin (-), or one rule as KEY=VALUE.

    \b
    pie rules set toutiao.article.article rate rate.yaml -m "halve the feed"
    pie rules set toutiao.article.article rate caller=toutiao.feed.* qps=90 per=service
    pie rules set toutiao.article.article rate caller=toutiao.feed.* --remove

    KEY is a field of the rule (qps, see `pie rules kinds rate`) or of its scope (method, caller,
    caller_cluster, cluster, lane, callee). The rule of that scope is changed, or added.
    """
    path = path_of(psm, kind, more["side"])
    given = given_rules(api, path, kind, source, remove=more["remove"])
    if more["seen"] is not None:
        given["seen"] = more["seen"]
    found = steps.check(api, path, given)
    steps.show(found, given.get("yaml", ""))
    if found["errors"]:
        raise steps.Unpublished("nothing was published: mend the errors")
    if not found["diff"]["lines"] and found["version"]:
        note("the rules are the same: nothing to publish")
        return
    comment = steps.ask_comment(found, more["comment"], sure=more["sure"])
    if comment is None:
        raise steps.Unpublished("nothing was published")
    try:
        answer = steps.publish(api, path, given | {"seen": found["seen"]}, comment, now=more["now"])
    except ApiError as error:
        if error.status != 409:
            raise
        raise steps.explain_conflict(
            error, "compare, set `version:` in the file (or --seen) to the new one, and repeat"
        ) from None
    steps.say_published(answer)
    if more["wait"]:
        steps.wait_in_force(api, path, more["wait"])


@rules.command()
@click.argument("psm")
@click.argument("kind")
@click.option(
    "--file", type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Go on with the text of an earlier try.",
)  # fmt: skip
@_SIDE
@_COMMENT
@_NOW
@_YES
@_WAIT
@with_api
def edit(api: Api, /, psm: str, kind: str, file: Path | None, **more: Any) -> None:
    """Open the rules of a KIND in $EDITOR; shows what changes and what it would do, then asks."""
    editing = Editing(api, path_of(psm, kind, more["side"]), psm, kind, file)
    editing.run(more["comment"], now=more["now"], sure=more["sure"], wait=more["wait"])


@rules.command()
@click.argument("psm")
@click.argument("kind")
@click.argument("source", default="", metavar="[FILE|-|VERSION]")
@_SIDE
@_JSON
@with_api
def diff(api: Api, psm: str, kind: str, source: str, side: str | None, as_json: bool) -> None:
    """Show what the last version changed; or what a FILE, or going back to a VERSION, would."""
    path = path_of(psm, kind, side)
    version = source.removeprefix("v")
    if not source:
        versions = api.get(f"{path}/history")["versions"]
        if not versions:
            raise click.ClickException(f"nobody has published {kind} rules of {psm} yet")
        found = versions[0]["diff"]
    elif version.isdecimal():
        found = api.get(f"{path}/history/{version}")["against_now"]
    else:
        given = given_rules(api, path, kind, [source])
        checked = api.send("POST", f"{path}/check", {**given, "preview": False})
        if checked["errors"]:
            steps.show(checked, given.get("yaml", ""))
            raise click.ClickException("the rules have errors")
        found = checked["diff"]
    _print(found, as_json, show_diff(found))


@rules.command()
@click.argument("psm")
@click.argument("kind")
@click.argument("source", nargs=-1, required=True, metavar="FILE|-|KEY=VALUE...")
@_SIDE
@_JSON
@with_api
def preview(
    api: Api, psm: str, kind: str, source: tuple[str, ...], side: str | None, as_json: bool
) -> None:
    """Show what rules would have done to the calls of the last eight days; publishes nothing."""
    path = path_of(psm, kind, side)
    given = given_rules(api, path, kind, source)
    found = steps.check(api, path, given)
    _print(found, as_json, show_check(found, given.get("yaml", "")))
    if found["errors"]:
        raise click.ClickException("the rules have errors")


@rules.command()
@click.argument("psm")
@click.argument("kind")
@_SIDE
@_JSON
@with_api
def history(api: Api, psm: str, kind: str, side: str | None, as_json: bool) -> None:
    """Show who published which version when, why, and what it changed."""
    found = api.get(f"{path_of(psm, kind, side)}/history")
    _print(found, as_json, show_history(found, time.time()))


@rules.command()
@click.argument("psm")
@click.argument("kind")
@click.argument("version")
@_SIDE
@_COMMENT
@_NOW
@_YES
@_WAIT
@with_api
def rollback(api: Api, /, psm: str, kind: str, version: str, **more: Any) -> None:
    """Publish the rules of an older VERSION anew; the history is not rewritten."""
    path = path_of(psm, kind, more["side"])
    number = version.removeprefix("v")
    if not number.isdecimal():
        raise click.UsageError(f"{version!r} is no version: `pie rules history` lists them")
    older = api.get(f"{path}/history/{number}")
    found = steps.check(api, path, {"rules": older["rules"]})
    steps.show(found)
    comment = steps.ask_comment(found, more["comment"], sure=more["sure"])
    if comment is None:
        raise steps.Unpublished("nothing was published")
    body = {"to": int(number), "seen": found["version"], "comment": comment, "now": more["now"]}
    try:
        answer = api.send("POST", f"{path}/rollback", body)
    except ApiError as error:
        if error.status != 409:
            raise
        raise steps.explain_conflict(error, "look at it again, then repeat") from None
    steps.say_published(answer)
    if more["wait"]:
        steps.wait_in_force(api, path, more["wait"])


@rules.command()
@click.argument("psm")
@click.argument("method", default="")
@click.option("--caller", default="", help="PSM of the service that calls.")
@click.option("--caller-cluster", default="", help="Cluster of the caller.")
@click.option("--cluster", default="default", help="Cluster that is called.")
@click.option("--lane", default="", help="Environment lane that the call is on.")
@_JSON
@with_api
def explain(api: Api, /, psm: str, method: str, as_json: bool, **call: str) -> None:
    """Say what would happen to a call of PSM, and by which rule of which version."""
    found = api.send("POST", f"/api/rules/{psm}/explain", {"callee": psm, "method": method, **call})
    _print(found, as_json, show_explanation(found))


@rules.command()
@click.option("-m", "--reason", required=True, help="Why: others will ask.")
@with_api
def freeze(api: Api, reason: str) -> None:
    """Let nobody publish, and stop roll-outs, in the whole fleet. Admins do."""
    frozen = api.send("POST", "/api/rules/freeze", {"reason": reason})["frozen"]
    echo(f"frozen by {frozen['by']}: {frozen['reason']}; `pie rules thaw` ends it")


@rules.command()
@click.option("-m", "--reason", default="", help="Why.")
@with_api
def thaw(api: Api, reason: str) -> None:
    """Let people publish again. Admins do."""
    api.send("DELETE", "/api/rules/freeze", {"reason": reason})
    echo("rules can be published again")


def _print(answer: Any, as_json: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json_text(answer, indent=2))
    else:
        echo("\n".join(lines))
