"""Where a person stands: the root of the workspace around the current folder, and its platform."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
import yaml

MARKER = Path("runtime", "workspace.yml")


class Place(msgspec.Struct, frozen=True):
    """A root, and the platform that its ``workspace.yml`` names (empty: none)."""

    root: Path
    is_workspace: bool
    platform: str
    log_root: Path

    @property
    def directory(self) -> Path:
        """Where the platform of this root keeps its data, unless one runs elsewhere."""
        return self.root / "platform"


def find_place(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Place:
    """``$RUNTIME_ROOT``, else the nearest folder upwards with a ``runtime/workspace.yml``, else the
    current folder.

    Raises:
        click.ClickException: ``workspace.yml`` cannot be read.
    """
    start = (start or Path.cwd()).resolve()
    given = environ.get("RUNTIME_ROOT")
    if given:
        root = Path(given).resolve()
    else:
        root = next((each for each in (start, *start.parents) if (each / MARKER).is_file()), start)
    logs = root / (environ.get("PIE_LOG_ROOT") or "")
    marker = root / MARKER
    if not marker.is_file():
        return Place(root, is_workspace=False, platform="", log_root=logs)
    return Place(root, is_workspace=True, platform=_platform_of(marker), log_root=logs)


def _platform_of(marker: Path) -> str:
    try:
        content = yaml.safe_load(marker.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{marker} cannot be read: {error}") from None
    platform = content.get("platform") if isinstance(content, dict) else None
    if platform is not None and not isinstance(platform, str):
        raise click.ClickException(
            f"{marker}: platform is {platform!r}; write an address such as http://127.0.0.1:8790"
        )
    return platform or ""
