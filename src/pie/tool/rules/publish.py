"""The last steps of a change in the terminal: shown, confirmed, published, followed into force."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from pie.tool.rules.view import show_check, show_diff
from pie.tool.terminal.api import Api, ApiError
from pie.tool.terminal.table import BOLD, GOOD, WARN, echo, paint
from pie.tool.terminal.text import moment, note

_POLL_S = 0.5


class Unpublished(click.ClickException):
    """The rules were not published; the message says why and what to do."""


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def check(api: Api, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the platform says of rules."""
    answer: dict[str, Any] = api.send("POST", f"{path}/check", {**given, "preview": True})
    return answer


def show(found: Mapping[str, Any], text: str = "") -> None:
    """Print what was found of rules; problems go to stderr when there are errors."""
    echo("\n".join(show_check(found, text)), err=bool(found["errors"]))
    if found["clash"]:
        echo("\n".join(clash_lines(found["clash"])), err=True)


def ask_comment(found: Mapping[str, Any], comment: str, *, sure: bool) -> str | None:
    """The comment to publish with; None if the person does not want to publish.

    Args:
        found: the check.
        comment: that was given.
        sure: nobody is to be asked.
    """
    if sure or not is_interactive():
        return comment
    if not comment:
        hint = "" if found["comment_needed"] else " (may be empty)"
        comment = click.prompt(f"Why{hint}", default="", show_default=False)
        if not comment and found["comment_needed"]:
            echo("rules that can turn calls away need a reason", err=True)
            return ask_comment(found, comment, sure=sure)
    version = found["version"] + 1
    return comment if click.confirm(f"Publish v{version}?", default=False) else None


def publish(
    api: Api, path: str, given: Mapping[str, Any], comment: str, *, now: bool
) -> dict[str, Any]:
    """Publish rules.

    Raises:
        ApiError: the platform refuses; of status 409 when somebody else published meanwhile.
    """
    answer: dict[str, Any] = api.send("PUT", path, {**given, "comment": comment, "now": now})
    return answer


def explain_conflict(error: ApiError, kept: str) -> Unpublished:
    """The error for the second of two editors; ``kept`` says where the text is."""
    clash = error.body.get("clash")
    if clash:
        echo("\n".join(clash_lines(clash)), err=True)
    return Unpublished(f"{error.message}\n{kept}" if kept else error.message)


def clash_lines(clash: Mapping[str, Any]) -> list[str]:
    """What somebody published since the version that one saw."""
    why = f": “{clash['comment']}”" if clash["comment"] else ""
    seen = f"v{clash['seen']}" if clash["seen"] else "there were rules"
    head = (
        f"! since {seen}, {clash['author']} published v{clash['version']} at "
        f"{moment(clash['at'])}{why}"
    )
    return [paint(head, WARN), *show_diff(clash["theirs"])]


def say_published(answer: Mapping[str, Any]) -> None:
    """What is published now."""
    head = answer["head"]
    echo(
        f"{paint('published', GOOD)} {paint('v' + str(head['version']), BOLD)} of {head['kind']} "
        f"({head['side']}) of {head['psm']}"
    )
    rollout = head["rollout"]
    if rollout:
        first = ", ".join(rollout["instances"]) or "one instance"
        echo(
            f"  it goes step by step, first to {first}; it stops by itself when failures rise. "
            "--now publishes everywhere at once"
        )


def wait_in_force(api: Api, path: str, seconds: float) -> None:
    """Wait until every instance runs what it should, or the time is over."""
    give_up = time.monotonic() + seconds
    while True:
        head = api.get(path)["head"]
        force = head["in_force"]
        if force["known"] and force["instances"] and force["current"] == force["instances"]:
            echo(f"  in force on {force['current']} of {force['instances']}")
            return
        if time.monotonic() >= give_up:
            break
        time.sleep(_POLL_S)
    if not force["known"]:
        note("  which instances run it is not known now: the store of facts is down")
    elif not force["instances"]:
        note("  no instance is registered now; the rules hold for the next that starts")
    else:
        note(
            f"  in force on {force['current']} of {force['instances']} after {seconds:g} s: "
            f"`pie rules get {head['psm']}` shows which are behind"
        )
