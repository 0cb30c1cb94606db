"""The platform's HTTP API as the commands use it: which platform, which token, and clear errors."""

import functools
import getpass
import http.client
import json
import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

import click

from pie.serve.up_state import read_up
from pie.serve.workspace import PLATFORM_URL, Workspace
from pie.tool.terminal.location import find_workspace
from pie.tool.terminal.logins import Logins

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ADMIN_TOKEN = "admin.token"
_PATIENCE_S = 60.0
_SILENCE_S = 25.0
"""A stream pings every 10 s: after this the connection is taken for dead."""

Params = Mapping[str, str | int | float | Sequence[str] | None]


class ApiError(click.ClickException):
    """The platform answered that it cannot; ``body`` is the error of its answer."""

    def __init__(
        self, message: str, status: int = 0, body: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body or {}


class PlatformAwayError(ApiError):
    """Nobody answers at the platform's address."""


class Event(NamedTuple):
    """One event of a stream."""

    name: str
    data: Any


class TokenSource(Protocol):
    """Gives a token when it is needed; ``source`` says where from, ``is_login`` by `pie login`."""

    source: str
    is_login: bool

    def __call__(self) -> str: ...


class Api:
    """Asks one platform, as a person.

    Args:
        url: its address.
        token: asked for when first needed, so that a command may do without.
        workspace: around the current folder.
    """

    def __init__(self, url: str, token: TokenSource, workspace: Workspace) -> None:
        self.url = url.rstrip("/")
        self.workspace = workspace
        self._token = token
        self._parts = _parse(self.url)

    def get(self, path: str, params: Params | None = None, *, anonymous: bool = False) -> Any:
        """The JSON that a GET answers; ``anonymous`` sends no token.

        Raises:
            PlatformAwayError: nobody answers.
            ApiError: the answer is an error.
        """
        return self._answer(
            *self._open(path, params, _PATIENCE_S, "application/json", anonymous=anonymous)
        )

    def text(self, path: str, params: Params | None = None) -> str:
        """The text that a GET answers. Raises as ``get``."""
        connection, response = self._open(path, params, _PATIENCE_S, "*/*")
        try:
            return response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        finally:
            connection.close()

    @property
    def token(self) -> TokenSource:
        """What gives the token, for other clients of the same platform."""
        return self._token

    @property
    def token_source(self) -> str:
        """Where the token comes from, for people."""
        return self._token.source

    @staticmethod
    def quoted(text: str) -> str:
        """A text as one part of a path."""
        return urllib.parse.quote(text, safe="")

    def send(self, method: str, path: str, body: Any = None, params: Params | None = None) -> Any:
        """The JSON that a change answers; with the admin token made in the name of the user of this
        machine.

        Raises as ``get``.
        """
        content = None if body is None else json.dumps(body).encode()
        return self._answer(
            *self._open(path, params, _PATIENCE_S, "application/json", method=method, body=content)
        )

    def _answer(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> Any:
        try:
            return self._json(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        finally:
            connection.close()

    def events(self, path: str, params: Params | None = None) -> Iterator[Event]:
        """The events of a stream until it ends, from now on, however late they are asked for.
        Raises as ``get``; also when it breaks."""
        return self._events(*self._open(path, params, _SILENCE_S, "text/event-stream"))

    def _events(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> Iterator[Event]:
        try:
            name, data = "message", list[str]()
            for raw in response:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if not line:
                    if data:
                        yield Event(name, self._json("\n".join(data).encode()))
                    elif name != "message":
                        yield Event(name, None)
                    name, data = "message", []
                elif line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        finally:
            connection.close()

    def _open(
        self,
        path: str,
        params: Params | None,
        timeout: float,
        accept: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        anonymous: bool = False,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=timeout)
        headers = {"Accept": accept}
        if not anonymous:
            headers |= {"Authorization": f"Bearer {self._token()}", **_user_header()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self._parts.path + path + _query(params), body, headers)
            response = connection.getresponse()
            if response.status != 200:
                raise self._error(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._away(error) from None
        except ApiError:
            connection.close()
            raise
        return connection, response

    def _json(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            raise ApiError(
                f"{self.url} answered something that is not JSON: is a Pie platform there?"
            ) from None

    def _away(self, error: Exception) -> PlatformAwayError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return PlatformAwayError(
            f"the platform at {self.url} does not answer ({reason or type(error).__name__}): "
            "start it with `pie up`, or name another with --platform or $PIE_PLATFORM"
        )

    def _error(self, status: int, body: bytes) -> ApiError:
        try:
            found = json.loads(body)["error"]
            message = str(found["message"])
        except (ValueError, KeyError, TypeError):
            return ApiError(
                f"{self.url} answered HTTP {status}, and not as a platform does: "
                "is a Pie platform there?",
                status,
            )
        if status == 401:
            message = (
                f"the platform at {self.url} does not know the token from {self._token.source}: "
                + (
                    "it is expired or revoked. Log in again with `pie login`, or forget it with "
                    "`pie logout`"
                    if self._token.is_login
                    else "log in with `pie login`, or use the text of admin.token in that "
                    "platform's directory (--token-file, $PIE_TOKEN or $PIE_TOKEN_FILE)"
                )
            )
        elif status == 403 and message.startswith("the service token"):
            message = (
                f"{message} (this one came from {self._token.source}): use the text of admin.token "
                "in that platform's directory"
            )
        return ApiError(message, status, found)


class Token:
    """The token of a person, from the first that names it: ``--token-file``, ``$PIE_TOKEN``,
    ``pie login`` to this platform, ``$PIE_TOKEN_FILE``, the ``pie up`` that runs in the root,
    ``token_file`` in ``pie.toml``, ``platform/admin.token``.

    ``PIE_TOKEN_FILE`` and ``token_file`` name the token of services; the ``admin.token`` beside it
    is used where this user may read it.
    """

    def __init__(
        self, given: Path | None, workspace: Workspace, environ: Mapping[str, str], url: str
    ) -> None:
        up = read_up(workspace.root)
        self._text = "" if given else environ.get("PIE_TOKEN", "").strip()
        login = None if given or self._text else Logins(environ).get(url)
        self.is_login = login is not None
        self._own = Path(up.directory if up else workspace.directory) / _ADMIN_TOKEN
        if environ.get("PIE_TOKEN_FILE") or (not up and "token_file" in workspace.project.machine):
            named = workspace.token_file
            admin = named.with_name(_ADMIN_TOKEN)
            self._own = admin if os.access(admin, os.R_OK) else named
        self._file = given or self._own
        self.source = "$PIE_TOKEN" if self._text else str(self._file)
        if login is not None:
            self._text, self.source = login.token, "`pie login`"

    def __call__(self) -> str:
        """The token's text.

        Raises:
            click.ClickException: there is none; says where it was looked for.
        """
        if not self._text:
            self._text = self._read(self._file)
        if not self._text.isascii() or not self._text.isprintable():
            raise click.ClickException(f"what {self.source} holds is not a token")
        return self._text

    def _read(self, file: Path) -> str:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", "") or "not a text"
            if file == self._own and isinstance(error, FileNotFoundError):
                raise click.ClickException(
                    f"no token: there is no {file}. Is the platform of this workspace here? Start "
                    "it with `pie up`; for another one, log in with `pie login`, or give a token "
                    "with --token-file, $PIE_TOKEN or $PIE_TOKEN_FILE"
                ) from None
            raise click.ClickException(f"the token file {file} cannot be read: {reason}") from None
        if not text:
            raise click.ClickException(f"the token file {file} is empty")
        return text


def with_api(command: Callable[Concatenate[Api, _P], _R]) -> Callable[..., _R]:
    """Gives a command an ``Api`` as its first argument, and the options that choose it."""

    @click.option(
        "--platform",
        "url",
        metavar="URL",
        help="Address of the platform: else $PIE_PLATFORM, else the workspace's.",
    )
    @click.option(
        "--token-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File with a token: else $PIE_TOKEN, `pie login`, $PIE_TOKEN_FILE, the workspace's.",
    )
    @functools.wraps(command)
    def run(*args: Any, url: str | None, token_file: Path | None, **kwargs: Any) -> _R:
        workspace = find_workspace()
        address = url or workspace.platform
        token = Token(token_file, workspace, os.environ, address)
        return command(Api(address, token, workspace), *args, **kwargs)

    return run


def _user_header() -> dict[str, str]:
    """Who asks, for the platform's records; nothing for a user id without a name."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return {}
    return {"X-Pie-User": urllib.parse.quote(name, safe="")} if name.strip() else {}


def _parse(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine = False
    if not port_is_fine or parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(
            f"{url!r} is not the address of a platform: write it like {PLATFORM_URL}"
        )
    return parts


def _query(params: Params | None) -> str:
    pairs = [(key, value) for key, value in (params or {}).items() if value not in (None, "", ())]
    return "?" + urllib.parse.urlencode(pairs, doseq=True) if pairs else ""
