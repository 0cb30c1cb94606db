"""Where the rules of a command come from: a file, stdin, or ``key=value`` for one rule."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pie.tool.terminal.api import Api

MAX_FILE = 1 << 20


def path_of(psm: str, kind: str, side: str | None) -> str:
    """The path of a rule set in the API."""
    return f"/api/rules/{psm}/{side or '-'}/{kind}"


def given_rules(
    api: Api, path: str, kind: str, words: Sequence[str], *, remove: bool = False
) -> dict[str, Any]:
    """What to send: ``yaml`` of a file or stdin, or ``rules`` with one of them changed.

    Args:
        api: of the platform, asked for the rules as they are.
        path: of the rule set.
        kind: of the rules.
        words: a file, ``-``, or ``key=value`` of one rule.
        remove: take the rule of that scope away.
    """
    if words and all("=" in word for word in words) and not Path(words[0]).exists():
        return _one_rule(api, path, kind, words, remove=remove)
    if remove:
        raise click.UsageError(
            "--remove needs the scope of a rule: caller=toutiao.feed.*; `scope=all` is the rule "
            "for every call"
        )
    if len(words) != 1:
        raise click.UsageError(
            "give a file, - for stdin, or one rule as key=value: caller=toutiao.feed.* qps=90"
        )
    return {"yaml": _text(words[0])}


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read(MAX_FILE + 1) if name == "-" else Path(name).read_bytes()
        text = data.decode()
    except OSError as error:
        raise click.ClickException(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{name} is not UTF-8 text: {error.reason}") from None
    if len(data) > MAX_FILE:
        raise click.ClickException(f"{name} has more than {MAX_FILE:,} bytes")
    return text


def _one_rule(
    api: Api, path: str, kind: str, words: Sequence[str], *, remove: bool
) -> dict[str, Any]:
    kinds = api.get("/api/rules/kinds")
    described = next((each for each in kinds["kinds"] if each["kind"] == kind), None)
    fields = {each["name"] for each in described["fields"]} if described else set[str]()
    scope, body = _split(words, {each["name"] for each in kinds["scope"]}, fields)
    now = api.get(path)
    rules: list[dict[str, Any]] = now["rules"]
    same = [at for at, each in enumerate(rules) if _is_same(each, scope, body)]
    if remove:
        if (body and not same) or not same:
            there = ", ".join(_say(each["scope"]) for each in rules) or "none"
            raise click.ClickException(
                f"no rule is for {_say(scope)}; there are rules for: {there}"
            )
        rules = [each for at, each in enumerate(rules) if at not in same]
    elif same:
        rules[same[0]]["body"] |= body
    else:
        rules.append({"scope": scope, "body": body})
    return {"rules": rules, "seen": now["head"]["version"]}


def _split(
    words: Sequence[str], scopes: set[str], fields: set[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    scope, body = dict[str, Any](), dict[str, Any]()
    for word in words:
        name, _, value = word.partition("=")
        if word in ("scope=all", "scope="):
            continue
        first, dot, rest = name.partition(".")
        if dot and first in ("scope", "body"):
            (scope if first == "scope" else body)[rest] = value
        elif name in scopes and name in fields:
            raise click.UsageError(
                f"{name} is a field of the scope and of the rule: write scope.{name}= or "
                f"body.{name}="
            )
        elif name in scopes:
            scope[name] = value
        else:
            body[name] = value  # The platform says so if there is none of that name.
    return scope, body


def _is_same(rule: Mapping[str, Any], scope: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a rule is for these calls, and about the same switch where it is about one."""
    switch = str(rule["body"].get("switch", ""))
    return _plain(rule["scope"]) == _plain(scope) and switch == str(body.get("switch", ""))


def _plain(scope: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, pattern in scope.items():
        parts = pattern if isinstance(pattern, list) else str(pattern).split(",")
        names = tuple(sorted(str(each).strip() for each in parts))
        if names != ("*",):
            found[name] = names
    return found


def _say(scope: Mapping[str, Any]) -> str:
    return (
        " ".join(f"{name}={'|'.join(names)}" for name, names in _plain(scope).items())
        or "every call"
    )
