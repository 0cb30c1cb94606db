"""The identity of a file: the ``src`` of its rows.

The same file has the same ``src`` however often the agent restarts and whatever it forgot, so that
the store knows rows sent twice. The path is part of it because a deleted file's inode is given to
the next one at once, and the hours of a quiet service may begin with the same line.
"""

import hashlib
import socket
from pathlib import Path

import msgspec

from pie.observe.log.stack import hash63

HEAD_BYTES = 1024


class Identity(msgspec.Struct, frozen=True, array_like=True):
    """``generation`` counts how often the file was cut short and begun anew."""

    src: int
    inode: int
    head_len: int
    head_hash: int
    generation: int


def head_of(beginning: bytes, *, final: bool = False) -> bytes | None:
    """The part of a file that never changes: its first line, up to 1 kB; None while that grows.

    ``final``: nobody writes the file any more, what is there is its beginning.
    """
    line_end = beginning.find(b"\n", 0, HEAD_BYTES)
    if line_end >= 0:
        return beginning[: line_end + 1]
    if len(beginning) >= HEAD_BYTES:
        return beginning[:HEAD_BYTES]
    return beginning if final and beginning else None


def identify(
    host_id: str, path: str, device: int, inode: int, head: bytes, generation: int
) -> Identity:
    """The identity of the file at ``path`` (relative to the log root)."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (host_id, path, str(device), str(inode), str(generation)):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    digest.update(head)
    return Identity(hash63(digest.digest()), inode, len(head), hash63(head), generation)


def default_host_id() -> str:
    """Machine id and host name: containers of one image share the first."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return f"{machine}:{socket.gethostname()}"
