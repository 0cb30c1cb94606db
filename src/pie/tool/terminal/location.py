"""The workspace around the current folder."""

import os
from pathlib import Path

import click

from pie.serve.settings.keys import SettingsError
from pie.serve.workspace import Workspace, find_root


def find_workspace() -> Workspace:
    """The workspace around the current folder, or that folder as if it were one.

    Raises:
        click.ClickException: ``$RUNTIME_ROOT``, ``pie.toml`` or ``workspace.yml`` is wrong.
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
    """Let this process, and what it starts, know the workspace around the current folder, or what
    its ``pie.toml`` says of the machine.

    Raises:
        click.ClickException: ``$RUNTIME_ROOT``, ``pie.toml`` or ``workspace.yml`` is wrong.
    """
    root = workspace_root()
    if root is not None:
        os.environ["RUNTIME_ROOT"] = str(root)
    found = find_workspace()
    if found.project.path is not None:
        os.environ.setdefault("RUNTIME_ROOT", str(found.root))
        os.environ.setdefault("PIE_PLATFORM", found.platform)
        os.environ.setdefault("PIE_TOKEN_FILE", str(found.token_file))
        os.environ.setdefault("PIE_LOG_ROOT", str(found.log_root))
