"""Undoes what an application's own ``logging`` configuration did to the fleet's lines.

``dictConfig`` and its like take handlers off the root logger, switch loggers off that existed
before, and give loggers handlers of their own that end the way of a record.
"""

import logging
import sys

_OURS = ("pie", "gunicorn")


def loggers() -> list[logging.Logger]:
    """All loggers but the root."""
    found = list(logging.root.manager.loggerDict.values())
    return [each for each in found if isinstance(each, logging.Logger)]


def take_back(handler: logging.Handler, *, echoes: bool) -> None:
    """Make every record reach ``handler`` exactly once.

    A logger that was silenced (its records end at it, and it has no handler that does anything)
    stays silent.

    Args:
        handler: of the root logger.
        echoes: False takes handlers away that write to stdout or stderr: ``handler`` does their
            work, and what they write would come to the log road a second time.
    """
    root = logging.getLogger()
    silent = [each for each in loggers() if not each.propagate and not _audible(each)]
    if not echoes:
        for each in (root, *loggers()):
            _without_echoes(each)
    if handler not in root.handlers:
        root.addHandler(handler)
    for each in loggers():
        if each.name.partition(".")[0] in _OURS:
            each.disabled = False
        if each.propagate or each in silent:
            each.removeHandler(handler)
        elif handler not in each.handlers:
            each.addHandler(handler)


def _audible(logger: logging.Logger) -> bool:
    return any(not isinstance(each, logging.NullHandler) for each in logger.handlers)


def _without_echoes(logger: logging.Logger) -> None:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    for each in list(logger.handlers):
        if isinstance(each, logging.StreamHandler) and each.stream in streams:
            logger.removeHandler(each)
