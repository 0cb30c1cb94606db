"""``pie.toml``: the settings of a service without a workspace, beside its code or above it.

Every key of ``settings.py`` stands there in lower case. So does what a workspace would say about
the machine: where the platform is, where its token is, where logs go.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pie.serve.settings.keys import KEYS, SettingsError

NAME = "pie.toml"
MACHINE_KEYS = ("platform", "token_file", "log_root")


class ProjectFile(NamedTuple):
    """The content of a ``pie.toml``.

    Attributes:
        path: of the file; None where there is none.
        settings: values by key in upper case, not yet checked.
        machine: texts by key, of ``MACHINE_KEYS``; paths start at the folder of the file.
    """

    path: Path | None
    settings: Mapping[str, Any]
    machine: Mapping[str, str]


NO_PROJECT = ProjectFile(None, {}, {})


def find_project(start: Path) -> ProjectFile:
    """The nearest ``pie.toml`` in ``start`` or above; ``NO_PROJECT`` when there is none.

    Raises:
        SettingsError: it cannot be read, or a key is unknown.
    """
    for folder in (start, *start.parents):
        path = folder / NAME
        try:
            if path.is_file():
                return parse_project(path, path.read_text("utf-8"))
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"{path}: cannot be read: {error}") from None
    return NO_PROJECT


def parse_project(path: Path, text: str) -> ProjectFile:
    """Read the text of the file at ``path``.

    Raises:
        SettingsError: it is not TOML, or a key is unknown; the message names the nearest key.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f'{path}: {error}; write key = value lines, a text in quotes: psm = "acme.shop.web"'
        ) from None
    settings: dict[str, Any] = {}
    machine: dict[str, str] = {}
    for key, value in content.items():
        if key in MACHINE_KEYS:
            if not isinstance(value, str) or not value:
                raise SettingsError(f"{path}: {key} is {value!r}; write a text in quotes")
            machine[key] = value if key == "platform" else str(path.parent / value)
        elif key.upper() in KEYS and key.islower():
            settings[key.upper()] = value
        elif isinstance(value, dict):
            raise SettingsError(
                f"{path}: pie.toml has no sections: write the keys of [{key}] without that line"
            )
        else:
            raise SettingsError(f"{path}: unknown setting {key}; {_nearest(key)}")
    return ProjectFile(path, settings, machine)


def _nearest(key: str) -> str:
    known = [each.lower() for each in KEYS] + [*MACHINE_KEYS]
    found = difflib.get_close_matches(key.lower(), known, 1)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(known)}"
