"""``pie state``: how the store of desired state is, and a copy of what it holds."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from pie.state import RemoteStore, StoreError
from pie.state.store.copying import CopyError, put_copy, read_copy, write_copy
from pie.tool.terminal.api import Api, with_api
from pie.tool.terminal.table import BAD, GOOD, WARN, paint

_PATIENCE_S = 60.0
_SHOWN = 10


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def state(context: click.Context) -> None:
    """Show the platform's store of desired state; copy it out and in.

    \b
    pie state                        what it is, how full, how its members are
    pie state export state.ndjson    rules, configuration, people, declarations
    pie state import state.ndjson    into the same platform or another
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@state.command()
@with_api
def show(api: Api) -> None:
    """Show what the store is, how full, and how its members are."""
    health = api.get("/api/health").get("state")
    if health is None:
        raise click.ClickException("the platform does not say: is this token one of its own?")
    trouble = health["trouble"]
    click.echo(f"{paint(health['kind'], WARN if trouble else GOOD)} {health['address']}".rstrip())
    if trouble:
        click.echo(f"  {paint('cannot be written', BAD)}: {trouble}")
    share = 100 * health["characters"] / health["most_characters"]
    click.echo(
        f"  {health['keys']} keys of {health['characters']} characters ({share:.1f} % of what fits)"
        f", revision {health['revision']}, {health['watches']} watches here"
    )
    for member in health["members"]:
        _show_member(member)
    if health["kind"] == "etcd":
        alarms = ", ".join(health["alarms"]) or "none"
        compacts = "this platform's job" if health["compacts"] else "not this platform's job"
        click.echo(
            f"  quota {_mib(health['quota'])}, alarms: {alarms}, compaction: {compacts}"
            + (f", up to revision {health['compacted']}" if health["compacted"] else "")
        )
    for note in health["notes"]:
        click.echo(f"  {paint('note', WARN)}: {note}")


@state.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_api
def export(api: Api, file: Path) -> None:
    """Write what the store holds to FILE, but not who is registered. `-` is the output."""
    store = _store(api)
    try:
        if str(file) == "-":
            count, whole = write_copy(store, sys.stdout.buffer)
        else:
            count, whole = _write(store, file)
    except StoreError as error:
        raise click.ClickException(error.message) from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{count} entries written to {file}", err=True)
    if not whole:
        click.echo(
            "the store is too large to be read at once: changes made meanwhile may be in it or not",
            err=True,
        )


@state.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Also where the store has another value.")
@with_api
def import_(api: Api, file: Path, replace: bool) -> None:
    """Put what `pie state export` wrote into a store; what it lacks stays as it is."""
    try:
        if str(file) == "-":
            lines = read_copy(sys.stdin.buffer)
        else:
            with file.open("rb") as source:
                lines = read_copy(source)
        copied = put_copy(_store(api), lines, replace=replace)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    except CopyError as error:
        raise click.ClickException(f"{file}: {error}") from None
    except StoreError as error:
        raise click.ClickException(f"{error.message}; to run it again does no harm") from None
    click.echo(f"{copied.written} entries written, {copied.same} were there already")
    if copied.kept:
        shown = ", ".join(copied.kept[:_SHOWN])
        more = len(copied.kept) - _SHOWN
        click.echo(
            f"{len(copied.kept)} have another value here and were left (--replace takes those of "
            f"the file): {shown}{f' and {more} more' if more > 0 else ''}"
        )


def _write(store: RemoteStore, file: Path) -> tuple[int, bool]:
    """The whole file or none; for its owner only, as rules and configuration may hold secrets."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            found = write_copy(store, sink)
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(file)
    finally:
        with suppress(OSError):
            draft.unlink()
    return found


def _store(api: Api) -> RemoteStore:
    return RemoteStore(api.url, api.token, timeout=_PATIENCE_S)


def _show_member(member: dict[str, Any]) -> None:
    if member["trouble"]:
        click.echo(f"  {member['endpoint']}  {paint('away', BAD)}: {member['trouble']}")
        return
    role = "leader" if member["leader"] else "member"
    click.echo(
        f"  {member['endpoint']}  {paint(role, GOOD)}, etcd {member['version']}, database "
        f"{_mib(member['bytes'])}, {_mib(member['bytes_in_use'])} in use, "
        f"{member['watchers']} watches"
    )


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
