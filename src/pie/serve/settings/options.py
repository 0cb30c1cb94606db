"""The command line of a bootstrap.py: each setting an option."""

import shutil
import sys
import textwrap
from collections.abc import Sequence

from pie.serve.settings.keys import (
    KEYS,
    SettingsError,
    default_of,
    documentation,
    is_switch,
    kind_of,
)
from pie.serve.settings.loading import PREFIX, Loaded, nearest, text_of
from pie.serve.settings.masking import masked
from pie.serve.settings.project import MACHINE_KEYS

HELP = "help"
_INDENT = 8
_WIDEST = 100


def read_options(arguments: Sequence[str]) -> dict[str, str]:
    """Key → text; ``help`` is a key of its own.

    Raises:
        SettingsError: an option is unknown or lacks its value, or an argument is no option.
    """
    found: dict[str, str] = {}
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument in ("-h", "--help"):
            found[HELP] = ""
            continue
        name, equals, value = argument.partition("=")
        key = name.removeprefix("--").upper().replace("-", "_")
        if not name.startswith("--"):
            raise SettingsError(f"command line: {argument!r} is no option; --help lists them")
        if key in KEYS:
            if not equals and is_switch(key):
                value = "true"
            elif not equals:
                if not left:
                    raise SettingsError(
                        f"command line: {name} needs a value: {name}={kind_of(key)}"
                    )
                value = left.pop(0)
            found[key] = value
        elif key.removeprefix("NO_") in KEYS and is_switch(key.removeprefix("NO_")) and not equals:
            found[key.removeprefix("NO_")] = "false"
        elif key.lower() in MACHINE_KEYS:
            raise SettingsError(
                f"command line: {name} is no option, as it belongs to the machine; write "
                f"{key.lower()} into pie.toml, or set {PREFIX}{key}"
            )
        else:
            known = [option(each) for each in KEYS] + ["--help"]
            raise SettingsError(f"command line: unknown option {name}; {nearest(name, known)}")
    return found


def option(key: str) -> str:
    """``LOG_LEVEL`` → ``--log-level``."""
    return f"--{key.lower().replace('_', '-')}"


def help_text(loaded: Loaded, program: str) -> str:
    """Every key with its meaning, its value in force, and where that came from."""
    width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    meanings = documentation()
    lines = [
        f"Usage: {program} [OPTIONS]",
        "",
        *textwrap.wrap(
            f"Serves {loaded.settings.PSM}. An option overrides {PREFIX}<KEY> in the environment, "
            "which overrides settings.py.",
            width,
        ),
        "",
        "Options, each with its value in force:",
        "",
    ]
    column = max(len(_usage(key)) for key in KEYS) + 4
    for key in KEYS:
        lines.append(
            f"  {_bold(_usage(key))}{' ' * (column - len(_usage(key)))}{_value(loaded, key)}"
        )
        indent = " " * _INDENT
        lines += textwrap.wrap(
            meanings[key], width, initial_indent=indent, subsequent_indent=indent
        )
    usage = "-h, --help"
    lines.append(f"  {_bold(usage)}{' ' * (column - len(usage))}Show this, and end.")
    return "\n".join(lines) + "\n"


def _usage(key: str) -> str:
    if is_switch(key):
        return f"{option(key)}, {option('NO_' + key)}"
    return f"{option(key)} {kind_of(key)}"


def _value(loaded: Loaded, key: str) -> str:
    source = loaded.sources[key]
    shown = masked(key, text_of(getattr(loaded.settings, key))) or '""'
    if source == "default":
        return f"{shown}  (default)"
    default = default_of(key)
    instead = "" if default is None else f"; default {text_of(default) or chr(34) * 2}"
    return f"{shown}  (from {source}{instead})"


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text
