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


def require(extra: str, *, with_server: bool = False) -> None:
    """Check that an extra is installed, before anything of it is imported.

    Args:
        extra: to be named in the message.
        with_server: the extra ``http``, which it includes, is needed, too.

    Raises:
        SystemExit: a module is missing; the message names it and the command that installs it.
    """
    modules = EXTRAS[extra] + (EXTRAS["http"] if with_server else ())
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        command = f"{shlex.quote(sys.executable)} -m pip install 'pie-runtime[{extra}]'"
        sys.exit(f"pie: {', '.join(missing)} {verb} not installed; run: {command}")
