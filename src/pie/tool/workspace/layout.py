"""Where a workspace is, and the contents of its marker file."""

import os
import re
from pathlib import Path

import click
import msgspec
import yaml

from pie.serve.workspace import MARKER, PLATFORM_URL

LOG_FOLDERS = ("app", "rpc", "python", "run", "uwsgi", "facts")
_PRODUCT = re.compile(r"[a-z0-9_]+")
_PLATFORM = re.compile(r"https?://[^\s/?#\"'\\]+(/[^\s?#\"'\\]*)?")


class Repository(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A git repository of a workspace: ``path`` is from the root."""

    url: str
    path: str
    optional: bool = True


class Config(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The contents of ``runtime/workspace.yml``."""

    product: str
    platform: str = PLATFORM_URL
    repositories: list[Repository] = []


def read_config(root: Path) -> Config:
    """The contents of a workspace's marker file.

    Raises:
        click.ClickException: it is missing, not YAML, or not of the expected form.
    """
    path = root / MARKER
    try:
        config = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Config)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None
    except msgspec.ValidationError as error:
        raise click.ClickException(
            f"{path}: {error}; it holds product:, platform: and repositories: (url, path, optional)"
        ) from None
    try:
        check_product(config.product)
        check_platform(config.platform)
        check_repositories(root, config.repositories)
    except click.ClickException as error:
        raise click.ClickException(f"{path}: {error.message}") from None
    return config


def check_product(product: str) -> None:
    """Raises:
    click.ClickException: it cannot be the first part of a PSM.
    """
    if not _PRODUCT.fullmatch(product):
        raise click.ClickException(f"product {product!r} is not of a-z, 0-9 and _")


def check_platform(url: str) -> None:
    """Raises:
    click.ClickException: it is no address of a platform.
    """
    if not _PLATFORM.fullmatch(url):
        raise click.ClickException(f"platform {url!r} is not an address such as {PLATFORM_URL}")


def check_repositories(root: Path, repositories: list[Repository]) -> None:
    """Raises:
    click.ClickException: a path leads out of the workspace, or belongs to something else.
    """
    taken: list[Path] = []
    for each in repositories:
        path = Path(os.path.normpath(each.path))
        where = f"repository {each.url}: path {each.path!r}"
        if not each.url.strip() or each.url.startswith("-"):
            raise click.ClickException(f"repository {each.url!r} is not the address of one")
        if path.is_absolute() or ".." in path.parts or path == Path():
            raise click.ClickException(
                f"{where} is not inside of the workspace: write it like lib/idl"
            )
        if not (root / path).resolve().is_relative_to(root.resolve()):
            raise click.ClickException(f"{where} leads out of the workspace by a symbolic link")
        if path.parts[0] in ("runtime", "log"):
            raise click.ClickException(f"{where} is what `pie update` makes itself: choose another")
        for other in taken:
            if path.is_relative_to(other) or other.is_relative_to(path):
                raise click.ClickException(f"{where} overlaps with the repository at {other}")
        taken.append(path)
