"""The end of a process whose own code cannot be loaded: one line, and where in that code."""

import logging
import sys
import traceback
from types import TracebackType
from typing import NoReturn

from pie.model import repr_of

logger = logging.getLogger("pie")
_LOADERS = ("importlib", "pie", "django")
"""Packages whose frames only lead to the code that is to be loaded."""


def end_with(what: str, error: BaseException) -> NoReturn:
    """End the process because loading failed.

    The log gets the whole traceback. The terminal gets it from the first frame on that is neither
    Pie's nor the framework's, and a last line that begins with ``pie:``.

    Args:
        what: was loaded, as the user wrote it.
        error: that ended it; also a SystemExit, whose code is kept unless it is 0.

    Raises:
        SystemExit: always.
    """
    # The terminal has it from below: once is enough there.
    logger.critical("%s cannot be loaded", what, exc_info=error, extra={"notable": False})
    _trim(error)
    found = traceback.TracebackException.from_exception(error)
    about = list(found.format_exception_only())
    at = len(about) - 1 if isinstance(error, SyntaxError) else 0  # A place in the text comes first.
    shown = list(found.format())[: -len(about)] + about[:at] + about[at + 1 :]
    if isinstance(error, SystemExit):
        reason, code = f"it called sys.exit({repr_of(error.code)})", error.code
    else:
        reason, code = about[at].strip(), 1
    sys.stderr.write(f"{''.join(shown)}pie: {what} cannot be loaded: {reason}\n")
    sys.exit(code if isinstance(code, int) and code else 1)


def _trim(error: BaseException) -> None:
    """Cut the frames before the user's code, in the errors that led to it, too."""
    seen: BaseException | None = error
    known = set[int]()
    while seen is not None and id(seen) not in known:
        known.add(id(seen))
        seen.__traceback__ = _from_user_code(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__


def _from_user_code(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and _leads_there(frames.tb_frame.f_globals.get("__name__")):
        frames = frames.tb_next
    return frames


def _leads_there(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _LOADERS
