"""A copy of what says which tables a store has, to repair a store whose own was damaged.

The column store keeps the definition of each table in a small file. A full disk or a power cut can
leave such a file empty or cut off, and then the store does not open; when it is gone, the table's
rows are on the disk and nobody knows of them. The copy is written after every start that found or
made all tables, and brings back what is damaged before the store is opened. It holds no rows.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from pie.platform.facts.files import sync_directory, write_atomically

_DATABASE = "metadata/default"
"""The store's link to the directory with the definitions."""
_UUID = re.compile(rb"UUID '([0-9a-f-]{36})'")
_DEFINITION = b"ATTACH "
_LIMIT = 16 << 20

_Judge: TypeAlias = Callable[[bytes | None, bytes], bool]
"""Whether a file, None = missing, is to be restored to what the copy has."""


class _Content(msgspec.Struct):
    database: str
    """What the link of the database points to."""
    files: dict[str, str]
    """Text by path below the store."""


class SchemaCopy:
    """The copy of one store.

    Args:
        store: the directory of the column store; not open yet while something is restored.
        copy: the file with the copy.
    """

    def __init__(self, store: Path, copy: Path) -> None:
        self._store = store
        self._copy = copy

    def keep(self) -> None:
        """Copy what the store has, if the copy differs.

        Raises:
            OSError: it cannot be written; the older copy is still there.
        """
        found = self._found()
        if found is not None and found != self._load():
            write_atomically(self._copy, msgspec.json.encode(found))

    def repair(self) -> list[str]:
        """Restore what is missing, empty, cut off or overwritten; the files restored.

        Raises:
            OSError: it cannot be restored.
        """
        return self._restore(_is_damaged)

    def restore_all(self) -> list[str]:
        """Restore whatever is not as in the copy, for a store that does not open; the files.

        A store that is newer than its copy loses nothing by this: parts know their own columns,
        and the upgrade that follows makes the tables anew what they were.

        Raises:
            OSError: it cannot be restored.
        """
        return self._restore(lambda there, good: there != good)

    def _restore(self, wanted: _Judge) -> list[str]:
        content = self._load()
        if content is None:
            return []
        restored = []
        link = self._store / _DATABASE
        if not link.exists():
            link.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(content.database)
            sync_directory(link.parent)
            restored.append(_DATABASE)
        for name, text in content.files.items():
            path, good = self._store / name, text.encode()
            there = _read(path)
            if wanted(there, good):
                path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                if there:
                    self._set_aside(path.name, there)
                write_atomically(path, good)
                restored.append(name)
        return restored

    def _set_aside(self, name: str, content: bytes) -> None:
        with contextlib.suppress(OSError):
            (self._copy.parent / f"{name}.damaged").write_bytes(content)

    def _found(self) -> _Content | None:
        """What the store has; None if it is not as expected, e.g. on a server."""
        try:
            database = str((self._store / _DATABASE).readlink())
            folder = (self._store / _DATABASE).resolve(strict=True)
            root = self._store.resolve(strict=True)
            files: dict[str, str] = {}
            for path in sorted(folder.glob("*.sql")):
                text = path.read_bytes()
                files[str(path.relative_to(root))] = text.decode()
                for uuid in _UUID.findall(text)[:1]:
                    name = uuid.decode()
                    version = root / "store" / name[:3] / name / "format_version.txt"
                    files[str(version.relative_to(root))] = version.read_text()
        except (OSError, ValueError):
            return None
        return _Content(database, files)

    def _load(self) -> _Content | None:
        """The copy, None if there is none of use."""
        try:
            if self._copy.stat().st_size > _LIMIT:
                return None
            content = msgspec.json.decode(self._copy.read_bytes(), type=_Content)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        inside = all(_is_below(name) for name in content.files)
        return content if inside and content.files else None


def _is_damaged(there: bytes | None, good: bytes) -> bool:
    """Whether a file is no later form of ``good`` but what is left of one."""
    if there is None or good.startswith(there):
        return there != good
    if good.startswith(_DEFINITION):
        return b"\0" in there or not there.startswith(_DEFINITION)
    return not there.strip().isdigit()


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
