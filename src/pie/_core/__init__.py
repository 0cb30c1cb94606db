"""The C extension, and whether this process uses it.

``native`` is the extension module, or None; then the twin in Python of each of its parts does the
work. ``reason`` is why it is not used.
"""

import os
import sys
from importlib import import_module
from types import ModuleType

native: ModuleType | None = None
reason = ""


def gevent_patched() -> bool:
    """Whether this process waits in greenlets, which C code cannot switch."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def _choose() -> tuple[ModuleType | None, str]:
    if os.environ.get("PIE_CORE", "") == "python":
        return None, "PIE_CORE=python in the environment asks for Python"
    if gevent_patched():
        return None, "gevent has patched this process, and C code cannot switch its greenlets"
    try:
        return import_module("pie._core._native"), ""
    except ImportError as error:
        return None, (
            f"{error}: it is built when Pie is installed where a C compiler and the headers of "
            "Python are (Debian: apt install gcc python3-dev)"
        )


native, reason = _choose()
