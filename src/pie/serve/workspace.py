"""The surroundings of a process on this machine: its root, its logs, its platform."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from pie.serve.settings.keys import SettingsError
from pie.serve.settings.project import NO_PROJECT, ProjectFile, find_project
from pie.serve.up_state import UpState, read_up

MARKER = Path("runtime") / "workspace.yml"
"""The file that makes a folder a workspace."""
PLATFORM_FOLDER = "platform"
TOKEN_FILE = "service.token"
_TOKEN_PATH = Path(PLATFORM_FOLDER) / TOKEN_FILE
PLATFORM_PORT = 8790
PLATFORM_URL = f"http://127.0.0.1:{PLATFORM_PORT}"


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of a process, none of them in its code.

    ``root`` is ``$RUNTIME_ROOT``, else the workspace around the code, else the folder of its
    ``pie.toml``, else the current folder. Each of the others comes from the first that names it:

    - ``log_root``: ``$PIE_LOG_ROOT``, ``pie.toml``, the root
    - ``platform``: ``$PIE_PLATFORM``, the ``pie up`` that runs in the root, ``pie.toml``,
      ``runtime/workspace.yml``, this machine
    - the service token: ``$PIE_TOKEN``, else a file: ``$PIE_TOKEN_FILE``, that of the ``pie up``
      that runs in the root, ``pie.toml``, ``platform/service.token``

    Relative paths start at the root, those in ``pie.toml`` at its folder.
    """

    root: Path
    log_root: Path
    platform: str
    token_file: Path
    given_token: str
    project: ProjectFile = NO_PROJECT

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] = os.environ, start: Path | None = None
    ) -> "Workspace":
        """The workspace of code in the folder ``start``.

        Raises:
            SettingsError: ``$RUNTIME_ROOT`` is no folder, or an address or a file is wrong.
        """
        project = NO_PROJECT if start is None else find_project(start.absolute())
        folder = None if project.path is None else project.path.parent
        root = find_root(start, environ) or folder or Path.cwd()
        own = project.machine
        up = read_up(root)
        token_file = environ.get("PIE_TOKEN_FILE")
        if not token_file and up is not None and not environ.get("PIE_PLATFORM"):
            token_file = str(Path(up.directory) / TOKEN_FILE)
        return cls(
            root=root,
            log_root=root / (environ.get("PIE_LOG_ROOT") or own.get("log_root", "")),
            platform=_platform(environ, up, project, root),
            token_file=root / (token_file or own.get("token_file") or _TOKEN_PATH),
            given_token=environ.get("PIE_TOKEN", ""),
            project=project,
        )

    @property
    def directory(self) -> Path:
        """The folder of the platform's data, unless a platform runs with another one."""
        return self.root / PLATFORM_FOLDER

    @property
    def conf(self) -> Path:
        """The workspace's folder of configuration."""
        return self.root / "conf"

    def token(self) -> str:
        """The service token as it stands now; empty while its file is not there yet.

        Raises:
            OSError: the file cannot be read; the message says why and what to do.
        """
        if self.given_token:
            return self.given_token
        try:
            return self.token_file.read_text(errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            raise OSError(
                error.errno,
                f"the token file {self.token_file} cannot be read ({error.strerror}): let the user "
                "of this process read it, or name another with PIE_TOKEN_FILE or token_file in "
                "pie.toml",
            ) from None


def find_root(start: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """``$RUNTIME_ROOT``, else the workspace around ``start``, else None.

    Raises:
        SettingsError: ``$RUNTIME_ROOT`` is no folder.
    """
    given = environ.get("RUNTIME_ROOT")
    if not given:
        return None if start is None else workspace_around(start)
    root = Path(given).resolve()
    if not root.is_dir():
        raise SettingsError(
            f"environment: RUNTIME_ROOT is {given!r}, which is no folder; set it to the "
            "workspace's, or unset it"
        )
    return root


def workspace_around(start: Path) -> Path | None:
    """The nearest folder upwards that is a workspace."""
    # As it was written before as it is: code may be linked into the workspace from elsewhere.
    for folder in (start.absolute(), start.resolve()):
        for each in (folder, *folder.parents):
            if (each / MARKER).is_file():
                return each.resolve()
    return None


def _platform(
    environ: Mapping[str, str], up: UpState | None, project: ProjectFile, root: Path
) -> str:
    if given := environ.get("PIE_PLATFORM"):
        return _address("environment: PIE_PLATFORM", given)
    if up is not None:
        return up.url
    if "platform" in project.machine:
        return _address(f"{project.path}: platform", project.machine["platform"])
    return _platform_of(root / MARKER) or PLATFORM_URL


def _platform_of(file: Path) -> str | None:
    """The platform's address a workspace names; None if it names none."""
    if not file.is_file():
        return None
    try:
        content: Any = yaml.load(file.read_bytes(), yaml.CSafeLoader)
    except (OSError, yaml.YAMLError, UnicodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {' '.join(str(error).split())}") from None
    if content is None:
        return None
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: write key: value lines, such as platform: {PLATFORM_URL}")
    platform = content.get("platform")
    return None if platform is None else _address(f"{file}: platform", platform)


def _address(key: str, given: Any) -> str:
    complaint = SettingsError(f"{key} is {given!r}; write http://host:port")
    if not isinstance(given, str):
        raise complaint
    try:
        parts = urlsplit(given)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise complaint
    return given
