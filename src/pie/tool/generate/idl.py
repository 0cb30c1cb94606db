"""Finding and loading an IDL file with what it includes."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import click

from pie.thrift import IdlError, Program, load_idl
from pie.thrift.idl.ast import ServiceDef

IDL_FOLDER = Path("lib", "idl")


@dataclass(frozen=True)
class Idl:
    """A checked IDL file.

    Attributes:
        name: as it is called from its folder, e.g. ``demo2.thrift``.
        program: the file with everything it includes.
        files: path within the program → where it was read.
        services: those the file itself defines.
    """

    name: str
    program: Program
    files: dict[str, Path]
    services: tuple[ServiceDef, ...]

    @property
    def namespace(self) -> str:
        """Its Python namespace, or its own name."""
        spaces = self.program.documents[self.program.root].namespaces
        named = [space.name for space in spaces if space.language in ("py", "*")]
        return named[0] if named else Path(self.name).stem

    def service(self, name: str) -> ServiceDef:
        """One service by name; the only one if the name is empty.

        Raises:
            click.ClickException: there is none, or one must be chosen.
        """
        names = [service.name for service in self.services]
        if not names:
            raise click.ClickException(
                f"{self.name} defines no service: choose an IDL that does, "
                "or add `service Name { … }`"
            )
        if not name and len(names) > 1:
            raise click.ClickException(
                f"{self.name} defines {len(names)} services, and a server serves one: "
                f"give --service {' or --service '.join(names)}"
            )
        for service in self.services:
            if service.name == (name or names[0]):
                return service
        nearest = get_close_matches(name, names, 1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"it has {', '.join(names)}"
        raise click.ClickException(f"{self.name} defines no service {name}; {hint}")


def read_idl(root: Path, given: str, include: Sequence[Path] = ()) -> Idl:
    """Find, parse and check an IDL file: in lib/idl, else from the root or the current folder.

    Args:
        root: of the workspace.
        given: the file, as a person names it.
        include: folders to look for included files in, after the file's own and lib/idl.

    Raises:
        click.ClickException: it is not there, or it is wrong: file, line and column.
    """
    shared = root / IDL_FOLDER
    path = _find(root, given)
    if path.is_relative_to(shared):
        folder, name = shared, path.relative_to(shared).as_posix()
    else:
        folder, name = path.parent, path.name
    files: dict[str, Path] = {}
    missing: list[str] = []
    folders = list(dict.fromkeys([folder, shared, *include]))

    def load(wanted: str) -> str:
        for base in folders:
            try:
                text = (base / wanted).read_text(encoding="utf-8")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except UnicodeDecodeError as error:
                raise click.ClickException(
                    f"{base / wanted} is not UTF-8 text (byte {error.start})"
                ) from None
            except OSError as error:
                raise click.ClickException(
                    f"cannot read {base / wanted}: {error.strerror}"
                ) from None
            files[wanted] = Path(os.path.normpath(base / wanted))
            missing.clear()
            return text
        missing.append(wanted)
        raise LookupError(wanted)

    try:
        program = load_idl(name, load)
    except IdlError as error:
        position = error.position
        where = _shown(files.get(position.file, Path(position.file)), root)
        text = f"{where}:{position.line}:{position.column}: {error.message}"
        if missing:
            text += "\n" + _not_found(missing[-1], folders)
        elif error.hint:
            text += f"; {error.hint}"
        raise click.ClickException(text) from None
    document = program.documents[program.root]
    services = tuple(d for d in document.definitions if isinstance(d, ServiceDef))
    return Idl(name, program, files, services)


def _find(root: Path, given: str) -> Path:
    """Where the file is; a name in lib/idl wins."""
    folders = list(dict.fromkeys([root / IDL_FOLDER, root, Path.cwd()]))
    if not given.strip():
        raise click.ClickException("--idl is empty: name a file of lib/idl, e.g. demo2.thrift")
    for folder in folders:
        path = Path(os.path.normpath(folder / given))
        if path.is_file():
            return path
    if Path(given).is_absolute():
        folders = [Path(given).parent]
    raise click.ClickException(
        f"there is no IDL file {given}\n" + _not_found(Path(given).name, folders)
    )


def _not_found(name: str, folders: list[Path]) -> str:
    looked = "looked in " + ", ".join(map(str, folders))
    known = sorted({path.name for folder in folders for path in folder.glob("*.thrift")})
    nearest = get_close_matches(Path(name).name, known, 1)
    if not nearest:
        nearest = get_close_matches(f"{Path(name).name}.thrift", known, 1)
    return f"{looked}; " + (
        f"did you mean {nearest[0]}?" if nearest else "put the file into lib/idl"
    )


def _shown(path: Path, root: Path) -> str:
    for base in (Path.cwd(), root):
        if path.is_relative_to(base):
            return str(path.relative_to(base))
    return str(path)
