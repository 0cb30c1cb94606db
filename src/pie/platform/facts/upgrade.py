"""Brings a store to the tables of this Pie, whatever it holds.

The store is compared with what is wanted by reading its system tables, and only what is missing is
made: a start that has nothing to change runs no statement that writes. That matters, for on a full
disk any ALTER, even one with nothing to do, truncates the table's metadata, and the store never
opens again. A start that has something to change refuses while there is little room.

Every step may be repeated, and the version is noted last: a process killed between any two steps is
followed by one that does the rest. Columns and indexes are added, never changed; an index is only
dropped where another takes its place. The rows of an older store stay, with the default of the type
in columns that they came before. A question about them is right at once; until the store has built
their indexes, in the background and the newest day first, it reads them instead.
"""

from collections.abc import Callable, Iterator

from pie.platform.facts.engine import Engine
from pie.platform.facts.errors import StoreError
from pie.platform.facts.home import ROOM
from pie.platform.facts.schema import (
    DURABLE,
    LOGS,
    MARKS,
    MERGE_TREE,
    STORED,
    TABLES,
    VERSION,
    VERSIONS,
    Table,
)


def prepare(
    engine: Engine,
    engine_clause: str = MERGE_TREE,
    *,
    free: Callable[[], int] = lambda: ROOM,
) -> int:
    """Make what is missing in the store and note the version; how many statements that took.

    Args:
        engine_clause: ENGINE of the tables, for one store or a cluster.
        free: bytes of disk that are left.

    Raises:
        StoreError: a newer Pie wrote the store, or there is too little room to change it.
    """
    there = {row["name"] for row in engine.query(_TABLES_THERE)}
    found = _version(engine) if VERSIONS in there else 0
    if found > VERSION:
        raise StoreError(
            f"the facts were written by a newer Pie (schema {found}, this one knows {VERSION}): "
            "start the newer Pie, or give this one another directory"
        )
    statements = list(_missing(engine, there, engine_clause))
    if found < VERSION:
        if found:
            statements += _carry_marks(engine)
        if 0 < found < _WORDS_SINCE:
            statements += _index_days(engine)
        statements.append(f"INSERT INTO {VERSIONS} VALUES ({VERSION}, now())")
    if statements and free() < ROOM:
        raise StoreError(
            f"the store of facts needs a change ({len(statements)} statements) and at least "
            f"{ROOM >> 20} MB of free disk for it: make room and start again"
        )
    for statement in statements:
        engine.execute(statement)
    return len(statements)


_WORDS_SINCE = 3
"""The version with the present indexes of words."""

_TABLES_THERE = "SELECT name FROM system.tables WHERE database = currentDatabase()"
_COLUMNS_THERE = (
    "SELECT table, name FROM system.columns WHERE database = currentDatabase() "
    "UNION ALL SELECT table, name FROM system.data_skipping_indices "
    "WHERE database = currentDatabase()"
)
_DAYS_THERE = (
    "SELECT DISTINCT table, partition_id AS day FROM system.parts "
    "WHERE active AND database = currentDatabase() ORDER BY table, day"
)


def _version(engine: Engine) -> int:
    return int(engine.query(f"SELECT max(version) AS version FROM {VERSIONS}")[0]["version"])


def _missing(engine: Engine, there: set[str], engine_clause: str) -> Iterator[str]:
    """The statements that make what is not there."""
    if VERSIONS not in there:
        yield (
            f"CREATE TABLE IF NOT EXISTS {VERSIONS} (version UInt32, since DateTime('UTC')) "
            f"ENGINE={engine_clause} ORDER BY version SETTINGS {DURABLE}"
        )
    parts = {(row["table"], row["name"]) for row in engine.query(_COLUMNS_THERE)}
    for table in STORED:
        if table.name not in there:
            yield table.create(engine_clause)
            continue
        added = list(_additions(table, parts))
        if added:
            yield f"ALTER TABLE {table.name} {', '.join(added)}"


def _additions(table: Table, parts: set[tuple[str, str]]) -> Iterator[str]:
    for name, definition in table.columns.items():
        if (table.name, name) not in parts:
            yield f"ADD COLUMN IF NOT EXISTS {name} {definition}"
    for name in table.retired:  # in the same statement: a text has one index of words at most
        if (table.name, name) in parts:
            yield f"DROP INDEX IF EXISTS {name}"
    for name, definition in table.indexes.items():
        if (table.name, name) not in parts:
            yield f"ADD INDEX IF NOT EXISTS {name} {definition}"


def _index_days(engine: Engine) -> Iterator[str]:
    """Have the indexes of words built for the rows that are there, the newest day first.

    The statements only begin that work; the store goes on with it after a restart.
    """
    days = [part["day"] for part in engine.query(_DAYS_THERE) if part["table"] == LOGS.name]
    for day in reversed(days):
        for name in ("i_words", "i_stack_words", "i_keys"):
            yield (
                f"ALTER TABLE {LOGS.name} MATERIALIZE INDEX {name} IN PARTITION ID '{day}' "
                "SETTINGS mutations_sync = 0"
            )


def _carry_marks(engine: Engine) -> Iterator[str]:
    """The marks of a store that kept none: those of its rows.

    One statement for each day of a table, so that its memory is that of one day's files, however
    many days the store holds; and without the time limit of a question.
    """
    names = {table.name for table in TABLES}
    for part in engine.query(_DAYS_THERE):
        table, day = part["table"], part["day"]
        if table in names:
            yield (
                f"INSERT INTO {MARKS.name} (table_name, src, day, pos) "
                f"SELECT '{table}', src, day, max(pos) FROM {table} "
                f"WHERE _partition_id = '{day}' AND src != 0 GROUP BY src, day "
                "SETTINGS max_execution_time = 0"
            )
