"""Making and renewing a workspace: the same repeatable steps."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pie.serve.workspace import MARKER
from pie.tool.files.manifest import Manifest
from pie.tool.files.plan import Action, Plan
from pie.tool.files.templates import render, sample
from pie.tool.terminal.table import pad
from pie.tool.terminal.words import tick, word
from pie.tool.workspace.layout import LOG_FOLDERS, Config
from pie.tool.workspace.repositories import Outcome, bring

MANIFEST = "runtime/.pie.json"
SAMPLES = ("base.thrift", "demo2.thrift", "demo_test.thrift")
_IDL = "lib/idl"
_PRODUCT_LOG = re.compile(r"[a-z0-9_]+/log")
_SCRIPTS = ("pietool", "update.sh", "env.sh", "bin/python", "bin/pie", "bin/pietool", "bin/sd")


def make_workspace(root: Path, config: Config, seconds: float) -> list[Outcome]:
    """Make or renew everything in a workspace, and report each step.

    What a person has edited is left alone, and so is what cannot be brought.

    Args:
        config: what the marker file says, or is to say when there is none.
        seconds: how long one git command may take.

    Returns:
        The repositories with a problem.

    Raises:
        click.ClickException: a folder or file cannot be made.
    """
    is_new = not (root / MARKER).is_file()
    _make_folder(root, root)
    outcomes = []
    if is_new:
        # First, so that `pie update` can repeat an interrupted run.
        _write(root, {MARKER.as_posix(): render("workspace/workspace.yml", config=config)})
    for repository in config.repositories:
        outcome = bring(root, repository, seconds)
        _say("skipped" if outcome.problem else outcome.done, f"{repository.path}  {repository.url}")
        outcomes.append(outcome)
    idl_is_new = not (root / _IDL).is_dir()
    for folder in _folders(config.product):
        made = _make_folder(root, root / folder)
        _say("made" if made else "kept", f"{folder}/")
    _link(root, "log", f"{config.product}/log")
    _link(root, "runtime/venv", sys.prefix, renew=True)
    texts = {}
    if idl_is_new and not _is_covered(config, _IDL):
        texts = {f"{_IDL}/{name}": sample(f"idl/{name}") for name in SAMPLES}
    for name in _SCRIPTS:
        values = {"python": shlex.quote(sys.executable), "root": shlex.quote(str(root))}
        texts[f"runtime/{name}"] = render(f"workspace/{name}", **values)
    _write(root, texts)
    return [outcome for outcome in outcomes if outcome.problem]


def _folders(product: str) -> Iterator[str]:
    yield from ("app", "conf/app", "conf/rpc/services", _IDL)
    yield from (f"{product}/log/{name}" for name in LOG_FOLDERS)
    yield from ("runtime/bin", "runtime/run")


def _is_covered(config: Config, folder: str) -> bool:
    """Whether a configured repository provides this folder."""
    path = Path(folder)
    return any(path.is_relative_to(each.path) for each in config.repositories)


def _make_folder(root: Path, path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        path.mkdir(parents=True)
    except (FileExistsError, NotADirectoryError):
        raise click.ClickException(
            f"{path} is to be a folder, but a file is in its place (or above it): move that away"
        ) from None
    except OSError as error:
        raise click.ClickException(f"cannot make {path}: {error.strerror}") from None
    return True


def _link(root: Path, name: str, target: str, *, renew: bool = False) -> None:
    """Make a symbolic link; an existing one is kept, or renewed if Pie made it."""
    path = root / name
    shown = f"{name} -> {target}"
    try:
        if path.is_symlink():
            old = str(path.readlink())
            if old == target or not (renew or _PRODUCT_LOG.fullmatch(old)):
                _say("kept", f"{name} -> {old}")
                return
            path.unlink()
        elif path.exists():
            _say("kept", f"{name} (it is no link to {target})")
            return
        path.symlink_to(target)
    except OSError as error:
        raise click.ClickException(f"cannot link {path}: {error.strerror}") from None
    _say("made", shown)


def _write(root: Path, texts: dict[str, str]) -> None:
    manifest = Manifest.load(root / MANIFEST)
    plan = Plan(root, manifest)
    for path, text in texts.items():
        executable = path.startswith("runtime/") and not path.endswith(("env.sh", ".yml"))
        plan.template(path, text, mode=0o755 if executable else 0o644)
    plan.write(MANIFEST)
    for step in plan.steps:
        done = {Action.NEW: "made", Action.RENEWED: "renewed", Action.SAME: "kept"}
        note = f"  ({step.note})" if step.note else ""
        _say(done.get(step.action, "kept"), f"{step.path}{note}")


def _say(done: str, what: str) -> None:
    mark = "-" if done == "skipped" else tick()
    click.echo(f"  {mark} {pad(word(done), 15)} {what}")
