"""A process that ``multiprocessing`` started anew for a service (spawn, forkserver).

Such a child runs the main module once more, a ``bootstrap.py``, before the function that it was
started for. It must not become a second instance of the service; it is a part of the first one.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from pie.serve.launch import Launch, make_plan
from pie.serve.process import Process, script_console
from pie.serve.settings.keys import SettingsError


def is_started_anew() -> bool:
    """Whether ``multiprocessing`` is running the main module of its parent here."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and getattr(process.current_process(), "_inheriting", False)


def join_service(launch: Launch) -> None:
    """Set this process up as one of the service's: its logs flow and its clients work; it does not
    listen, nor register."""
    try:
        plan = make_plan(launch)
        console = script_console(plan.loaded.settings)
        process = Process(plan.loaded, plan.workspace, plan.folder.resolve(), console=console)
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    process.close_at_exit()


def nothing_serves(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The application of a child that serves none."""
    raise RuntimeError("this process belongs to a service and serves no requests itself")
