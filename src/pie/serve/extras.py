"""The packages that only some services need: the extras of the distribution ``pie-runtime``."""

import importlib.util
import shlex
import sys

EXTRAS = {
    "http": ("gunicorn",),
    "flask": ("flask", "cachelib"),
    "django": ("django",),
    "platform": ("chdb", "clickhouse_connect", "fastapi", "uvicorn"),
}
"""Extra → the modules that Pie itself imports from it."""


def require(extra: str) -> None:
    """Check that an extra is installed, before anything of it is imported.

    Raises:
        SystemExit: a module is missing; the message names it and the command that installs it.
    """
    missing = [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        command = f"{shlex.quote(sys.executable)} -m pip install 'pie-runtime[{extra}]'"
        sys.exit(f"pie: {', '.join(missing)} {verb} not installed; run: {command}")
