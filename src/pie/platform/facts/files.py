"""Small files of our own beside the store: a crash leaves the old one or the new one."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` in place of a file, durably.

    Raises:
        OSError: it cannot be written; the file is what it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make durable which names a directory holds."""
    _sync(path)


def sync_tree(path: Path, depth: int) -> None:
    """Make durable the files and names of a directory and of those below it, so many levels."""
    for each in path.iterdir():
        if each.is_dir() and not each.is_symlink():
            if depth:
                sync_tree(each, depth - 1)
        elif each.is_file():
            _sync(each)
    sync_directory(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
