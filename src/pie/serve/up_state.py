"""Which ``pie up`` runs in a root: a file that is locked as long as it runs."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

FILE = ".pie-up"
_MOST = 1 << 16


class UpState(msgspec.Struct, kw_only=True):
    """Describes a running ``pie up``. ``started`` is Unix seconds.

    ``ready`` is set once everything runs; ``children`` maps names to process ids.
    """

    pid: int
    url: str
    root: str
    log_root: str
    directory: str
    started: float
    ready: bool = False
    children: dict[str, int] = {}


class AlreadyUpError(Exception):
    """Another ``pie up`` runs in this root; ``state`` is None until it has written its state."""

    def __init__(self, state: UpState | None) -> None:
        super().__init__()
        self.state = state


@contextlib.contextmanager
def hold(root: Path) -> Iterator[Callable[[UpState], None]]:
    """Hold the root for this ``pie up``; yields the function that writes its state.

    Raises:
        AlreadyUpError: another one holds it.
        OSError: the file cannot be written.
    """
    path = root / FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyUpError(_read(descriptor)) from None

        def write(state: UpState) -> None:
            data = msgspec.json.encode(state)
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))

        os.ftruncate(descriptor, 0)
        yield write
        # Not removed: another ``pie up`` may have opened it, and would lock a file without a name.
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def read_up(root: Path) -> UpState | None:
    """The ``pie up`` that runs in this root now, None if none does."""
    try:
        descriptor = os.open(root / FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None  # Not locked: a killed one left it behind.
        return _read(descriptor)
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> UpState | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _MOST, 0), type=UpState)
    except (OSError, msgspec.DecodeError):
        return None
