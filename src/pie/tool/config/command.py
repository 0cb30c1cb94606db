"""``pie config``: read, publish, watch and roll back the configuration of services."""

import json
import time
from collections.abc import Callable
from typing import Any

import click

from pie.tool.config.view import show_changes, show_check, show_config, show_history
from pie.tool.terminal.api import Api, PlatformAwayError, with_api
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import echo
from pie.tool.terminal.text import note

WATCH_S = 1.0
_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
_COMMENT = click.option("-m", "--comment", default="", help="Why; people read it in the history.")
_PAIRS = click.argument("pairs", metavar="KEY=VALUE…", nargs=-1)
_DRY = click.option("--dry-run", is_flag=True, help="Show what it would do, and publish nothing.")

Draft = dict[str, Any]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Read and publish the dynamic configuration of a service.

    \b
    pie config get toutiao.article.article
    pie config set toutiao.article.article feed.page_size=30 -m "slow phones"
    pie config gray toutiao.article.article trial feed.page_size=40 --percent 10
    pie config rollback toutiao.article.article 3 -m "too slow"

    A value is JSON, or a text where that is no JSON.
    """


@config.command()
@click.argument("psm")
@click.argument("key", required=False)
@_JSON
@with_api
def get(api: Api, psm: str, key: str | None, as_json: bool) -> None:
    """Show all that is configured and expected, or the value of one KEY alone."""
    page = _page(api, psm)
    if key is None:
        _print(page, as_json, show_config)
        return
    found = next((each for each in page["keys"] if each["key"] == key), None)
    if found is None:
        known = ", ".join(each["key"] for each in page["keys"]) or "none"
        raise click.ClickException(f"{psm} has no value {key}; it has: {known}")
    if as_json:
        click.echo(json_text(found, indent=2))
    else:
        value = found["value"] if found["published"] else found["default"]
        echo(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


@config.command("set")
@click.argument("psm")
@_PAIRS
@click.option("--unset", "unset", metavar="KEY", multiple=True, help="Take a value away.")
@click.option("--secret", is_flag=True, help="Show the values to nobody from now on.")
@_COMMENT
@_DRY
@_JSON
@with_api
def set_(
    api: Api,
    psm: str,
    pairs: tuple[str, ...],
    unset: tuple[str, ...],
    secret: bool,
    comment: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish values for every instance; the others stay."""
    if not pairs and not unset:
        raise click.UsageError("nothing to change: give KEY=VALUE or --unset KEY")
    page = _page(api, psm)
    draft: Draft = page["draft"]
    given = _values(pairs, page)
    for key in unset:
        if key not in draft["values"]:
            raise click.ClickException(f"{psm} has no published value {key}")
        del draft["values"][key]
    draft["values"] |= given
    if secret:
        draft["secrets"] = sorted({*draft["secrets"], *given})
    _publish(api, page, draft, comment, dry_run=dry_run, as_json=as_json)


@config.command()
@click.argument("psm")
@click.argument("name")
@_PAIRS
@click.option("--cluster", multiple=True, help="In this cluster.")
@click.option("--env", multiple=True, help="In this environment lane.")
@click.option("--instance", multiple=True, help="This instance, as `pie sd lookup` names it.")
@click.option("--percent", type=click.FloatRange(0, 100), help="So many of the instances.")
@click.option("--finish", is_flag=True, help="Give its values to all, and end it.")
@click.option("--end", is_flag=True, help="End it: its instances go back to what all have.")
@_COMMENT
@_DRY
@_JSON
@with_api
def gray(
    api: Api,
    psm: str,
    name: str,
    pairs: tuple[str, ...],
    cluster: tuple[str, ...],
    env: tuple[str, ...],
    instance: tuple[str, ...],
    percent: float | None,
    finish: bool,
    end: bool,
    comment: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish values for some instances alone, under a NAME; several may run at once.

    A new one stands before the others, so that its values win. Given again, it changes what is
    given: `--percent 50` widens it.
    """
    page = _page(api, psm)
    draft: Draft = page["draft"]
    overrides = draft["overrides"]
    found = next((each for each in overrides if each["name"] == name), None)
    if finish or end:
        if found is None:
            names = ", ".join(each["name"] for each in overrides) or "none"
            raise click.ClickException(f"{psm} has no gray release {name}; it has: {names}")
        overrides.remove(found)
        if finish:
            draft["values"] |= found["values"]
    else:
        if found is None:
            if not pairs:
                raise click.UsageError("a new gray release needs a KEY=VALUE")
            if not (cluster or env or instance or percent is not None):
                raise click.UsageError("say for whom: --percent, --cluster, --env or --instance")
            found = {"name": name, "values": {}, "cluster": [], "env": [], "instance": []}
            found["percent"] = 100.0
            overrides.insert(0, found)
        found["values"] |= _values(pairs, page)
        for field, given in (("cluster", cluster), ("env", env), ("instance", instance)):
            if given:
                found[field] = list(given)
        if percent is not None:
            found["percent"] = percent
    _publish(api, page, draft, comment, dry_run=dry_run, as_json=as_json)


@config.command()
@click.argument("psm")
@click.argument("before", type=int, required=False)
@click.argument("after", type=int, required=False)
@_JSON
@with_api
def diff(api: Api, psm: str, before: int | None, after: int | None, as_json: bool) -> None:
    """Show what changed between two versions; without them, what the newest one changed."""
    newest = _page(api, psm)["version"]
    if before is None:
        before, after = max(0, newest - 1), newest
    query = {"before": before, "after": newest if after is None else after}
    _print(api.get(f"/api/config/{psm}/diff", query), as_json, show_changes)


@config.command()
@click.argument("psm")
@_JSON
@with_api
def history(api: Api, psm: str, as_json: bool) -> None:
    """Show the versions that are kept, and what each changed."""
    _print(api.get(f"/api/config/{psm}/history"), as_json, show_history)


@config.command()
@click.argument("psm")
@click.argument("version", type=int)
@_COMMENT
@_JSON
@with_api
def rollback(api: Api, psm: str, version: int, comment: str, as_json: bool) -> None:
    """Publish an older VERSION anew."""
    seen = _page(api, psm)["version"]
    body = {"to": version, "seen": seen, "comment": comment}
    _print(api.send("POST", f"/api/config/{psm}/rollback", body), as_json, show_config)


@config.command()
@click.argument("psm")
@click.argument("key", required=False)
@with_api
def watch(api: Api, psm: str, key: str | None) -> None:
    """Print what changes, until Ctrl-C; with KEY, its value alone."""
    last: dict[str, Any] | None = None
    away = False
    while True:
        try:
            page = _page(api, psm)
        except PlatformAwayError as error:
            if last is None:
                raise
            if not away:
                note(f"{error.message}: trying again")
            away = True
            time.sleep(WATCH_S)
            continue
        away = False
        for line in _news(api, page, key, last):
            echo(line)
        last = page
        time.sleep(WATCH_S)


def _news(
    api: Api, page: dict[str, Any], key: str | None, last: dict[str, Any] | None
) -> list[str]:
    """The lines about what is other than it was."""
    version = page["version"]
    if key is not None:
        now = _where(page, key)
        if last is not None and now == _where(last, key):
            return []
        return [f"v{version}  {', '.join(now) or '-'}"]
    now_at = version, page["at_version"], page["running"]
    if last is not None and now_at == (last["version"], last["at_version"], last["running"]):
        return []
    lines = []
    if last is not None and version > last["version"]:
        query = {"before": last["version"], "after": version}
        lines = show_changes(api.get(f"/api/config/{page['psm']}/diff", query))
    at = "-" if page["at_version"] is None else page["at_version"]
    return [*lines, f"v{version}  {at} of {page['running']} instances run it"]


def _where(page: dict[str, Any], key: str) -> list[str]:
    """The values of a key, each with where it comes from."""
    found = next((each for each in page["keys"] if each["key"] == key), None)
    if found is None:
        return []
    values = [(each["value"], each["source"]) for each in found["effective"]]
    if not values and found["published"]:
        values = [(found["value"], "document")]
    return [f"{json.dumps(value, ensure_ascii=False)} ({source})" for value, source in values]


def _page(api: Api, psm: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/config/{psm}")
    return found


def _values(pairs: tuple[str, ...], page: dict[str, Any]) -> dict[str, Any]:
    forms = {each["key"]: each["form"] for each in page["keys"]}
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{pair!r} is no KEY=VALUE")
        found[key] = text if forms.get(key) == "text" else _value(text)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _publish(
    api: Api, page: dict[str, Any], draft: Draft, comment: str, *, dry_run: bool, as_json: bool
) -> None:
    overrides = [
        {name: value for name, value in each.items() if name != "reaches"}
        for each in draft["overrides"]
    ]
    body = {"seen": page["version"], **draft, "overrides": overrides, "comment": comment}
    path = f"/api/config/{page['psm']}"
    check = api.send("POST", f"{path}/check", body)
    if dry_run or check["errors"]:
        _print(check, as_json, show_check)
        if check["errors"]:
            raise click.ClickException("nothing was published")
        return
    done = api.send("PUT", path, body)
    if as_json:
        click.echo(json_text(done, indent=2))
        return
    echo("\n".join([f"published v{done['version']}", *show_check(check)]))


def _print(
    answer: dict[str, Any], as_json: bool, show_lines: Callable[[dict[str, Any]], list[str]]
) -> None:
    if as_json:
        click.echo(json_text(answer, indent=2))
    else:
        echo("\n".join(show_lines(answer)))
