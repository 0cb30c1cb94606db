"""Loads settings: from the command line, the environment, ``settings.py`` and ``pie.toml``."""

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
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
from pie.serve.settings.project import NAME, NO_PROJECT, ProjectFile
from pie.state import Setting

PREFIX = "PIE_"
Source = Literal["default", "pie.toml", "settings.py", "environment", "command line"]
_NO_SETTINGS = {"PLATFORM", "TOKEN", "TOKEN_FILE", "LOG_ROOT", "HOST_IP", "PIN"}
"""``PIE_`` variables of the machine, or of one run."""
_PLAIN = (bool, int, float, str, tuple, list)


class Loaded(NamedTuple):
    """The settings in force.

    Attributes:
        settings: their values.
        sources: where each came from.
        doubts: warnings about variables that look like a mistyped key.
    """

    settings: Settings
    sources: dict[str, Source]
    doubts: tuple[str, ...] = ()

    def described(self) -> tuple[Setting, ...]:
        """Each setting as text, secrets masked."""
        return tuple(
            Setting(key, masked(key, text_of(getattr(self.settings, key))), self.sources[key])
            for key in KEYS
        )


class _Layer(NamedTuple):
    """One source of settings: values by key, how to read one, and how an error names the key."""

    source: Source
    values: Mapping[str, Any]
    read: Callable[[str, Any], Any]
    name: Callable[[str], str]

    def value(self, key: str) -> Any:
        try:
            return self.read(key, self.values[key])
        except SettingsError as error:
            raise SettingsError(f"{self.name(key)}{str(error).removeprefix(key)}") from None


def load_settings(
    module: ModuleType | None,
    environ: Mapping[str, str] = os.environ,
    options: Mapping[str, str] | None = None,
    project: ProjectFile = NO_PROJECT,
) -> Loaded:
    """Put the settings of a service together.

    Args:
        module: its upper-case names are keys. None: the service has no ``settings.py``.
        environ: ``PIE_<KEY>`` overrides the module.
        options: overrides both.
        project: the weakest source, below the module.

    Raises:
        SettingsError: naming the key, and the nearest right one for an unknown key.
    """
    if module is None:
        return _load({}, "", environ, options or {}, project)
    file = str(getattr(module, "__file__", None) or module.__name__)
    given = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    for key, value in given.items():
        if key.isupper() and key not in KEYS:
            raise SettingsError(f"{file}: unknown setting {key}; {nearest(key, KEYS)}")
        if key.upper() in KEYS and key.upper() not in given and isinstance(value, _PLAIN):
            raise SettingsError(f"{file}: unknown setting {key}; did you mean {key.upper()}?")
    named = {key: value for key, value in given.items() if key in KEYS}
    return _load(named, file, environ, options or {}, project)


def settings_of(
    psm: str, environ: Mapping[str, str] = os.environ, project: ProjectFile = NO_PROJECT
) -> Loaded:
    """The settings of a script that has no settings module.

    Raises:
        SettingsError: the PSM, a ``PIE_<KEY>`` or ``pie.toml`` is wrong.
    """
    return _load({"PSM": psm}, "script", environ, {}, project)


def nearest(key: str, known: Iterable[str]) -> str:
    """Suggest the known key nearest to ``key``, or list them all."""
    names = list(known)
    found = difflib.get_close_matches(key, names, 1)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(names)}"


def text_of(value: Any) -> str:
    """A value as people write it."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _load(
    given: Mapping[str, Any],
    file: str,
    environ: Mapping[str, str],
    options: Mapping[str, str],
    project: ProjectFile,
) -> Loaded:
    variables = {key: environ[PREFIX + key] for key in KEYS if PREFIX + key in environ}
    layers = (
        _Layer("command line", options, value_of_text, lambda key: f"command line: {_option(key)}"),
        _Layer("environment", variables, value_of_text, lambda key: f"environment: {PREFIX}{key}"),
        _Layer("settings.py", given, value_of, lambda key: f"{file}: {key}"),
        _Layer(
            "pie.toml", project.settings, value_of, lambda key: f"{project.path}: {key.lower()}"
        ),
    )
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for key in KEYS:
        layer = next((each for each in layers if key in each.values), None)
        sources[key] = "default" if layer is None else layer.source
        values[key] = default_of(key) if layer is None else layer.value(key)
    if values["PSM"] is None:
        raise SettingsError(_missing_psm(file or project.path))
    return Loaded(Settings(**values), sources, _doubts(environ))


def _missing_psm(file: str | Path | None) -> str:
    if file is None:
        return (
            f'there is no PSM: write psm = "product.subsystem.module" into {NAME} beside the '
            f"code, or set {PREFIX}PSM"
        )
    key = "psm" if Path(file).name == NAME else "PSM"
    return f'{file}: {key} is missing; write {key} = "product.subsystem.module"'


def _option(key: str) -> str:
    return f"--{key.lower().replace('_', '-')}"


def _doubts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Warnings about variables that are nearly a key; they may be another program's."""
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
