"""From a directory to an open store with all its tables, whatever state the directory is in."""

from dataclasses import dataclass, field
from pathlib import Path

from pie.platform.facts.engine import Engine, connect_chdb
from pie.platform.facts.errors import StoreError
from pie.platform.facts.files import sync_tree
from pie.platform.facts.frames import Hello
from pie.platform.facts.home import ROOM, Home
from pie.platform.facts.inventory import Inventory
from pie.platform.facts.schema_copy import SchemaCopy
from pie.platform.facts.upgrade import prepare

_TABLE_DEPTH = 3
"""Levels of directories below the store down to those of its tables."""


@dataclass(slots=True)
class OpenStore:
    """A store that answers.

    ``notes`` are sentences for people: what was repaired, what is damaged, and what to do.
    """

    home: Home
    engine: Engine
    inventory: Inventory
    notes: list[str] = field(default_factory=list)


def open_store(hello: Hello) -> OpenStore:
    """Open the store of the facts; make, repair and upgrade its tables as needed.

    Nothing is written when nothing has to be changed.

    Raises:
        StoreError: it cannot be opened now; the message says why and what to do.
    """
    home = Home(Path(hello.directory) / "facts", hello.lock_patience)
    copy = SchemaCopy(home.store, home.directory / "schema-copy.json")
    notes = _repair(home, copy)
    if not home.store.exists() and home.free() < ROOM:
        raise StoreError(
            f"a new store of facts needs at least {ROOM >> 20} MB of free disk in "
            f"{home.directory}: make room there"
        )
    engine = connect_chdb(home, memory=hello.memory)
    try:
        engine.execute("SELECT 1")
    except StoreError as error:
        raise _cannot_open(error, home, copy) from error
    notes += _keep(copy)
    if prepare(engine, free=home.free):
        # The engine syncs what it writes into parts, but not every directory of a new table.
        sync_tree(home.store, _TABLE_DEPTH)
    notes += _keep(copy)
    inventory = Inventory(engine, Path(hello.directory) / "facts-inventory.json")
    notes += inventory.compare()
    return OpenStore(home, engine, inventory, notes)


def _repair(home: Home, copy: SchemaCopy) -> list[str]:
    try:
        restored = copy.repair()
    except OSError as error:
        raise StoreError(
            f"definitions of tables in {home.store} are damaged and cannot be restored from their "
            f"copy ({error.strerror}): make room on the disk, and let the platform's user write"
        ) from error
    return [_restored(restored)] if restored else []


def _restored(files: list[str]) -> str:
    names = ", ".join(Path(name).name for name in files)
    return f"definitions of tables were damaged and have been restored from their copy: {names}"


def _cannot_open(error: StoreError, home: Home, copy: SchemaCopy) -> StoreError:
    """What to say of a store that does not open, after a try to mend it for the next start."""
    try:
        restored = copy.restore_all()
    except OSError:
        restored = []
    if restored:
        return StoreError(f"the store did not open ({error}); {_restored(restored)}")
    return StoreError(
        f"the store does not open ({error}): if nothing else runs out (disk, memory, open files), "
        f"stop the platform, move {home.store} away and start again with an empty store; "
        "registry and configuration are kept elsewhere"
    )


def _keep(copy: SchemaCopy) -> list[str]:
    try:
        copy.keep()
    except OSError as error:
        return [f"the copy of the tables' definitions cannot be written ({error}): make room"]
    return []
