"""Where each setting comes from: command line, else environment, else ``settings.py``."""

import difflib
import os
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, Literal, NamedTuple

from pie.serve.settings.keys import (
    KEYS,
    Settings,
    SettingsError,
    default_of,
    value_of,
    value_of_text,
)
from pie.serve.settings.masking import masked
from pie.state import Setting

PREFIX = "PIE_"
Source = Literal["default", "settings.py", "environment", "command line"]
_NO_SETTINGS = {"PLATFORM", "TOKEN", "TOKEN_FILE", "LOG_ROOT", "HOST_IP", "PIN"}
"""Keys of the environment that belong to the machine, or to one run."""
_PLAIN = (bool, int, float, str, tuple, list)


class Loaded(NamedTuple):
    """The settings in force.

    Attributes:
        settings: their values.
        sources: where each came from.
        doubts: what in the environment looks like a mistyped key.
    """

    settings: Settings
    sources: dict[str, Source]
    doubts: tuple[str, ...] = ()

    def facts(self) -> tuple[Setting, ...]:
        """Each as text, secrets masked."""
        return tuple(
            Setting(key, masked(key, text_of(getattr(self.settings, key))), self.sources[key])
            for key in KEYS
        )


def load_settings(
    module: ModuleType,
    environ: Mapping[str, str] = os.environ,
    options: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a settings module, and what overrides it.

    Args:
        module: its upper-case names are keys.
        environ: ``PIE_<KEY>`` overrides the module.
        options: overrides both.

    Raises:
        SettingsError: naming the key, and the nearest right one for an unknown key.
    """
    file = str(getattr(module, "__file__", None) or module.__name__)
    given = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    for key, value in given.items():
        if key.isupper() and key not in KEYS:
            raise SettingsError(f"{file}: unknown setting {key}; {nearest(key, KEYS)}")
        if key.upper() in KEYS and key.upper() not in given and isinstance(value, _PLAIN):
            raise SettingsError(f"{file}: unknown setting {key}; did you mean {key.upper()}?")
    named = {key: value for key, value in given.items() if key in KEYS}
    return _load(named, file, environ, options or {})


def settings_of(psm: str, environ: Mapping[str, str] = os.environ) -> Loaded:
    """The settings of a script that has no settings module.

    Raises:
        SettingsError: the PSM, or a ``PIE_<KEY>``, is wrong.
    """
    return _load({"PSM": psm}, "script", environ, {})


def nearest(key: str, known: Iterable[str]) -> str:
    """What someone who wrote ``key`` may have meant."""
    names = list(known)
    found = difflib.get_close_matches(key, names, 1)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(names)}"


def text_of(value: Any) -> str:
    """A value as people write it."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _load(
    given: Mapping[str, Any], file: str, environ: Mapping[str, str], options: Mapping[str, str]
) -> Loaded:
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for key in KEYS:
        variable = PREFIX + key
        if key in options:
            sources[key] = "command line"
            values[key] = _value(f"command line: {_option(key)}", key, options[key])
        elif variable in environ:
            sources[key] = "environment"
            values[key] = _value(f"environment: {variable}", key, environ[variable])
        elif key in given:
            sources[key] = "settings.py"
            try:
                values[key] = value_of(key, given[key])
            except SettingsError as error:
                raise SettingsError(f"{file}: {error}") from None
        else:
            sources[key] = "default"
            values[key] = default_of(key)
    if values["PSM"] is None:
        raise SettingsError(f'{file}: PSM is missing; write PSM = "product.subsystem.module"')
    return Loaded(Settings(**values), sources, _doubts(environ))


def _value(place: str, key: str, text: str) -> Any:
    try:
        return value_of_text(key, text)
    except SettingsError as error:
        raise SettingsError(f"{place}{str(error).removeprefix(key)}") from None


def _option(key: str) -> str:
    return f"--{key.lower().replace('_', '-')}"


def _doubts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that are nearly a key. They may be another program's: a doubt is no error."""
    found = []
    for name in environ:
        key = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX) or key in KEYS or key in _NO_SETTINGS:
            continue
        close = difflib.get_close_matches(key, KEYS, 1, 0.7)
        if close:
            found.append(
                f"{name} in the environment sets nothing; did you mean {PREFIX}{close[0]}?"
            )
    return tuple(found)
