"""The start of a service, planned before anything is opened: its code, settings, surroundings."""

import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from pie.serve.settings.keys import SettingsError
from pie.serve.settings.loading import Loaded, load_settings, settings_of
from pie.serve.settings.options import HELP, help_text, read_options
from pie.serve.workspace import Workspace

_EXAMPLE = "product.subsystem.module"


class Launch(NamedTuple):
    """A program as it was started.

    Attributes:
        settings: the service's settings module; None where ``pie.toml`` or the environment do.
        folder: of the service's code.
        command: as ``--help`` shows it.
        arguments: of the command line, each a setting.
    """

    settings: ModuleType | None
    folder: Path
    command: str
    arguments: Sequence[str]


class Plan(NamedTuple):
    """The settings and the surroundings of one process.

    Attributes:
        loaded: its settings.
        workspace: around it.
        folder: of its code.
        help: what ``--help`` prints; empty when nobody asked.
    """

    loaded: Loaded
    workspace: Workspace
    folder: Path
    help: str = ""


def launch_of_caller(settings: ModuleType | None, depth: int = 2) -> Launch:
    """The launch by the module that calls ``pie.serve``, such as a ``bootstrap.py``.

    Args:
        settings: that it gives.
        depth: frames between this function and that module.
    """
    file = None if settings is None else settings.__file__
    frame = inspect.currentframe()
    for _ in range(depth):
        frame = None if frame is None else frame.f_back
    if file is None and frame is not None:
        file = frame.f_globals.get("__file__")
    folder = Path.cwd() if file is None else Path(file).absolute().parent
    return Launch(settings, folder, f"python {sys.argv[0]}", sys.argv[1:])


def make_plan(launch: Launch, environ: Mapping[str, str] = os.environ) -> Plan:
    """Read settings and surroundings.

    Raises:
        SettingsError: a key, an option or a file is wrong. Who asks for help gets it all the same
            when it is a key.
    """
    options = read_options(launch.arguments)
    wants_help = options.pop(HELP, None) is not None
    workspace = Workspace.from_environment(environ, launch.folder)
    trouble = ""
    try:
        loaded = load_settings(launch.settings, environ, options, workspace.project)
    except SettingsError as error:
        if not wants_help:
            raise
        loaded = settings_of(_EXAMPLE, {})
        trouble = f"\nThe values are the defaults, as it cannot start yet: {error}\n"
    text = help_text(loaded, launch.command) + trouble if wants_help else ""
    return Plan(loaded, workspace, launch.folder, text)
