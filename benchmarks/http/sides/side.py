"""The command line of every side. Each side runs in its own environment, so this file needs the
standard library only.

    python -m sides.NAME serve --app APP [--threads N] [--variant V]
        prints "ready PORT", ends on SIGTERM; APP is a module of workload
    python -m sides.NAME about
        prints what it is
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from common.serving import free_port, ready


class Asked(NamedTuple):
    """What a side is to serve.

    Attributes:
        app: ``bare_app``, ``flask_app``, … in ``workload``.
        port: to listen on.
        threads: that run views.
        variant: of the server.
    """

    app: str
    port: int
    threads: int
    variant: str

    @property
    def reference(self) -> str:
        """``module:name`` of the application."""
        return f"workload.{self.app}:application"


def main(
    serve: Callable[[Asked], None], distributions: Sequence[str], about: str | None = None
) -> None:
    """Run the command line of a side.

    Args:
        serve: serves until SIGTERM.
        distributions: whose versions are told.
        about: to be told instead of the first distribution's version.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "about"])
    parser.add_argument("--app", default="bare_app")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--variant", default="")
    options = parser.parse_args()
    if options.command == "about":
        versions = [f"{name} {_version(name)}" for name in distributions]
        if about is not None:
            versions[0] = about
        print(json.dumps(f"{', '.join(versions)}; Python {platform.python_version()}"))
        return
    port = free_port()
    ready(port)
    serve(Asked(options.app, port, options.threads, options.variant))


def become(*command: object) -> None:
    """Go on as a program of this environment; what it prints goes to stderr."""
    os.dup2(2, 1)
    os.execv(sys.executable, [sys.executable, *map(str, command)])


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "is not installed"
