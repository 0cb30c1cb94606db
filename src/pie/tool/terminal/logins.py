"""Tokens of the platforms that this user logged in to: one file, for its owner alone."""

import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click


class Login(NamedTuple):
    """A token for one platform, and the name of the person whose it is."""

    user: str
    token: str


class Logins:
    """Reads and writes ``~/.config/pie/logins.json`` (``$XDG_CONFIG_HOME`` counts).

    Every method raises ``click.ClickException`` when the file cannot be used, with the remedy.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~") / ".config"
        self.path = Path(home).expanduser() / "pie" / "logins.json"

    def get(self, url: str) -> Login | None:
        """The login to a platform."""
        return self._read().get(_key(url))

    def set(self, url: str, login: Login) -> None:
        """Keep a login, in place of an earlier one to this platform."""
        self._write(self._read() | {_key(url): login})

    def remove(self, url: str) -> Login | None:
        """Forget a login; gives it back, None if there was none."""
        logins = self._read()
        gone = logins.pop(_key(url), None)
        if gone is not None:
            self._write(logins)
        return gone

    def _read(self) -> dict[str, Login]:
        try:
            with self.path.open(encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise click.ClickException(
                        f"{self.path} holds tokens and other users may read it: "
                        f"run `chmod 600 {self.path}`"
                    )
                found = json.load(file)
            return {
                str(url): Login(str(each["user"]), str(each["token"]))
                for url, each in found.items()
            }
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise click.ClickException(
                f"{self.path} cannot be read: {error.strerror or error}"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise click.ClickException(
                f"{self.path} is damaged: delete it, and log in again with `pie login`"
            ) from None

    def _write(self, logins: Mapping[str, Login]) -> None:
        content = {url: each._asdict() for url, each in sorted(logins.items())}
        draft = self.path.with_name(f".logins.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(content, file, indent=1, ensure_ascii=False)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise click.ClickException(
                f"{self.path} cannot be written: {error.strerror or error}"
            ) from None


def _key(url: str) -> str:
    return url.rstrip("/")
