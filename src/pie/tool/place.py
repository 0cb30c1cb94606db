"""Where a person stands: the workspace around the current folder."""

import os
from pathlib import Path

import click

from pie.serve.settings import SettingsError
from pie.serve.workspace import Workspace, find_root
from pie.tool.up_state import read_up


def find_place() -> Workspace:
    """The workspace around the current folder, or that folder as if it were one.

    Raises:
        click.ClickException: ``$RUNTIME_ROOT`` or ``workspace.yml`` is wrong.
    """
    try:
        return Workspace.from_environment(start=Path.cwd())
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def workspace_root() -> Path | None:
    """The root of the workspace around the current folder; None outside of any.

    Raises:
        click.ClickException: ``$RUNTIME_ROOT`` is no folder.
    """
    try:
        return find_root(Path.cwd())
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def enter_workspace() -> None:
    """Let this process, and what it starts, know the workspace around the current folder, and the
    platform of the ``pie up`` that runs in it, unless the environment names another."""
    root = workspace_root()
    if root is not None:
        os.environ["RUNTIME_ROOT"] = str(root)
    up = read_up(root or Path.cwd())
    if up is None or os.environ.get("PIE_PLATFORM"):
        return
    os.environ["PIE_PLATFORM"] = up.url
    os.environ.setdefault("PIE_TOKEN_FILE", str(Path(up.directory) / "service.token"))
