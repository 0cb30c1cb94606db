"""Checks of the names given to pietool: prefix and PSM, and whether they are taken."""

import ast
import keyword
import re
import sys
from pathlib import Path

import click

from pie.model import PSM
from pie.tool.files.manifest import Manifest

MANIFEST = ".pietool.json"
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked_prefix(text: str) -> str:
    """A prefix in its plain form, ``my/api``.

    Raises:
        click.ClickException: it is not a relative path of names.
    """
    given = text.rstrip("/")
    parts = given.split("/")
    if text.startswith("/") or ".." in parts or "\\" in text:
        raise click.ClickException(
            f"--prefix {text!r} is not a path below app/ of the workspace: write it like my/api"
        )
    parts = [part for part in parts if part not in ("", ".")]
    if parts[:1] == ["app"]:
        raise click.ClickException(
            f"--prefix starts below app/: write --prefix {'/'.join(parts[1:]) or 'my/api'}"
        )
    for part in parts:
        if not _PART.fullmatch(part) or keyword.iskeyword(part):
            why = "a word of Python" if keyword.iskeyword(part) else "no Python name"
            raise click.ClickException(
                f"--prefix {text!r}: {part!r} is {why}; use letters, digits and _, as in my/api"
            )
    if not parts:
        raise click.ClickException("--prefix is empty: write it like my/api")
    return "/".join(parts)


def checked_psm(text: str, where: str = "--psm") -> str:
    """A PSM.

    Raises:
        click.ClickException: it is none.
    """
    try:
        return str(PSM.parse(text))
    except ValueError as error:
        raise click.ClickException(f"{where}: {error}") from None


def default_psm(product: str, prefix: str) -> str:
    """The PSM of a script derived from its prefix: ``toutiao.my.test``.

    Raises:
        click.ClickException: product and prefix do not make one.
    """
    text = ".".join([product, *prefix.split("/")]) if product else ""
    try:
        return str(PSM.parse(text))
    except ValueError:
        raise click.ClickException(
            f"--psm is needed: app/{prefix} gets a bootstrap.py of its own, and "
            + (f"{text!r} is no PSM" if text else "no workspace names the product")
            + "; give --psm product.subsystem.module"
        ) from None


def check_free(root: Path, prefix: str, kind: str, psm: str, manifest: Manifest) -> None:
    """Refuse a prefix that belongs to another service, and a PSM that belongs to another prefix.

    Args:
        kind: the type to be made; ``thriftclient`` joins whatever is there.

    Raises:
        click.ClickException: saying whose it is.
    """
    owner = psm_of(root / "app" / prefix, manifest)
    if owner and psm and owner != psm:
        raise click.ClickException(
            f"--prefix {prefix} is in use: app/{prefix} is {owner}, not {psm}; "
            f"choose another prefix, or give --psm {owner}"
        )
    if manifest.type and kind not in ("thriftclient", manifest.type):
        raise click.ClickException(
            f"--prefix {prefix} is in use: app/{prefix} was made with --type {manifest.type}; "
            "choose another prefix"
        )
    _check_nesting(root, prefix)
    for other in _prefixes_of(root, psm) - {prefix}:
        raise click.ClickException(
            f"--psm {psm} is in use: it is app/{other}; choose another PSM, or --prefix {other}"
        )


def psm_of(folder: Path, manifest: Manifest) -> str:
    """The PSM of the service in a folder: from its settings.py, else from its manifest."""
    try:
        tree = ast.parse((folder / "settings.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return manifest.psm
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="PSM")], value=ast.Constant(value=str(psm))):
                return psm
            case ast.AnnAssign(target=ast.Name(id="PSM"), value=ast.Constant(value=str(psm))):
                return psm
    return manifest.psm


def hidden_modules(folder: Path) -> list[str]:
    """Files beside a bootstrap.py that hide a standard module."""
    harmless = {"test"}
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return sorted((names & sys.stdlib_module_names) - harmless)


def _check_nesting(root: Path, prefix: str) -> None:
    app = root / "app"
    for above in (app / prefix).parents:
        if above == app or not above.is_relative_to(app):
            break
        if (above / "bootstrap.py").exists() or (above / MANIFEST).exists():
            raise click.ClickException(
                f"--prefix {prefix} lies inside the service app/{above.relative_to(app)}: "
                "choose a prefix beside it"
            )
    for below in (app / prefix).glob(f"*/**/{MANIFEST}"):
        raise click.ClickException(
            f"--prefix {prefix} would hold the service app/{below.parent.relative_to(app)}: "
            "choose a prefix beside it"
        )


def _prefixes_of(root: Path, psm: str) -> set[str]:
    """Prefixes of generated services that have this PSM."""
    found = set()
    if psm:
        for path in (root / "app").glob(f"**/{MANIFEST}"):
            if psm_of(path.parent, Manifest.load(path)) == psm:
                found.add(path.parent.relative_to(root / "app").as_posix())
    return found
