"""The settings of a service: its ``settings.py``, each key overridable by ``PIE_<KEY>``."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from pie.model import PSM

_PREFIX = "PIE_"
_NAME = re.compile(r"[A-Za-z0-9_.:@+-]{0,128}")


class SettingsError(Exception):
    """A key is unknown, missing or wrong; the message names it and what would be right."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every key a service's ``settings.py`` may hold, with its default."""

    PSM: str
    """The service's name, product.subsystem.module."""
    CLUSTER: str = "default"
    """The cluster this instance belongs to; deployment usually sets PIE_CLUSTER."""
    ENV: str = ""
    """Environment lane, carried to every service downstream."""
    HOST: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 opens the service to the network."""
    ADVERTISE: str = ""
    """Address others reach this host by; found out when empty."""
    PORT: int = 0
    """Port to listen on; the next free one is taken when it is in use. 0 = any."""
    DEBUG: bool = False
    """Show logs on the console too."""
    LOG_LEVEL: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    OWNERS: tuple[str, ...] = ()
    """Who is responsible; shown on the service's page. In the environment: comma-separated."""
    THREADS: int = 16
    """Threads that serve HTTP requests."""
    VERSION: str = ""
    """Version of the service's code."""
    DRAIN_SECONDS: float = 10.0
    """How long a stopping service waits for requests in flight."""


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def load_settings(module: ModuleType, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the upper-case names of a settings module; the environment wins.

    Raises:
        SettingsError: naming the key, and the nearest right one for an unknown key.
    """
    file = getattr(module, "__file__", module.__name__)
    known = Settings.__struct_fields__
    given = {key: value for key, value in vars(module).items() if key.isupper()}
    for key in given:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known keys: {', '.join(known)}"
            raise SettingsError(f"{file}: unknown setting {key}; {hint}")
    return _checked(given, str(file), environ)


def settings_of(psm: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a script, which has no settings module.

    Raises:
        SettingsError: the PSM, or a ``PIE_<KEY>``, is wrong.
    """
    return _checked({"PSM": psm}, "script", environ)


def _checked(given: dict[str, Any], file: str, environ: Mapping[str, str]) -> Settings:
    for key in Settings.__struct_fields__:
        text = environ.get(_PREFIX + key)
        if text is not None:
            given[key] = text.split(",") if key == "OWNERS" else text
    try:
        settings = msgspec.convert(given, Settings, strict=False)
        PSM.parse(settings.PSM)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{file}: {error}") from None
    for key in ("CLUSTER", "ENV"):
        if not _NAME.fullmatch(getattr(settings, key)):
            raise SettingsError(
                f"{file}: {key} is {getattr(settings, key)!r}; use letters, digits and _ . : @ + -"
            )
    if settings.LOG_LEVEL not in _LEVELS:
        raise SettingsError(
            f"{file}: LOG_LEVEL is {settings.LOG_LEVEL!r}; choose one of {', '.join(_LEVELS)}"
        )
    if not 0 <= settings.PORT <= 65535:
        raise SettingsError(f"{file}: PORT is {settings.PORT}; choose 0 to 65535")
    if settings.DRAIN_SECONDS < 0:
        raise SettingsError(f"{file}: DRAIN_SECONDS is {settings.DRAIN_SECONDS}; choose 0 or more")
    if settings.THREADS < 1:
        raise SettingsError(f"{file}: THREADS is {settings.THREADS}; choose 1 or more")
    return settings


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are on this machine; all from the environment, so that code is the same
    everywhere.

    ``root`` is ``$RUNTIME_ROOT`` or the current folder; logs go to ``$PIE_LOG_ROOT`` or the root;
    the platform is at ``$PIE_PLATFORM``; its service token stands in ``$PIE_TOKEN`` or in the
    file ``$PIE_TOKEN_FILE``.
    """

    root: Path
    log_root: Path
    platform: str
    token_file: Path
    given_token: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Workspace":
        """Read the environment."""
        root = Path(environ.get("RUNTIME_ROOT") or Path.cwd()).resolve()
        return cls(
            root=root,
            log_root=Path(environ.get("PIE_LOG_ROOT") or root),
            platform=environ.get("PIE_PLATFORM") or "http://127.0.0.1:8790",
            token_file=Path(environ.get("PIE_TOKEN_FILE") or root / "platform" / "service.token"),
            given_token=environ.get("PIE_TOKEN", ""),
        )

    def token(self) -> str:
        """The service token as it stands now; empty while its file is not there yet."""
        if self.given_token or not self.token_file.is_file():
            return self.given_token
        return self.token_file.read_text().strip()
