"""The tables of the facts, made of the tables of their rows (``pie.observe.facts.fields``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from pie.platform.facts.columns import definitions
from pie.platform.facts.rows import ROW_TYPES, StoredRow

VERSION = 4
"""Of the tables below; raised with every change that an older Pie could not work with."""

MERGE_TREE = "MergeTree"

DURABLE = (
    "fsync_after_insert=1, fsync_part_directory=1, min_compressed_bytes_to_fsync_after_merge=1"
)
"""Settings of every table: what is acknowledged is on the disk. chDB has them for tables that were
made without, too (``chdb.xml``)."""

VERSIONS = "pie_schema"
"""The table of the versions that a store has had."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the store.

    Attributes:
        columns: definition by name.
        indexes: definition by name.
        order: its sorting key.
        more: the clauses behind the sorting key.
        merges: what its engine does with rows of equal order when it merges them, e.g.
            ``Aggregating``; empty = it keeps them.
        retired: indexes of older stores that are dropped when ``indexes`` are added.
    """

    name: str
    columns: Mapping[str, str]
    order: str
    more: str
    indexes: Mapping[str, str] = field(default_factory=dict)
    merges: str = ""
    retired: tuple[str, ...] = ()

    def create(self, engine: str) -> str:
        """Its CREATE statement; ``engine`` is the engine clause of this store or cluster."""
        parts = [f"{name} {column}" for name, column in self.columns.items()]
        parts += [f"INDEX {name} {index}" for name, index in self.indexes.items()]
        of_its_kind = engine.replace(MERGE_TREE, self.merges + MERGE_TREE, 1)
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(parts)}) ENGINE={of_its_kind} "
            f"{self.more.format(order=self.order)}"
        )


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table that rows are sent for: their type, and how many days it keeps."""

    name: str
    order: str
    days: int
    indexes: Mapping[str, str]
    retired: tuple[str, ...] = ()

    @property
    def row_type(self) -> type[StoredRow]:
        """The type of its rows."""
        return ROW_TYPES[self.name]

    def as_table(self) -> Table:
        """As it stands in the store."""
        return Table(
            name=self.name,
            columns=definitions(self.row_type),
            indexes={**self.indexes} | {"i_src": "src TYPE bloom_filter(0.01) GRANULARITY 1"},
            retired=self.retired,
            order=self.order,
            more="PARTITION BY toDate(ts) ORDER BY {order} "
            f"TTL toDateTime(ts) + INTERVAL {self.days} DAY "
            "SETTINGS ttl_only_drop_parts=1, non_replicated_deduplication_window=1000, "
            f"{DURABLE}",
        )


# A word is a run of ASCII letters and digits, or one character beyond ASCII: the tokenizer joins
# words over the four signs that are taken out before. `ask.query.words` is its twin.
_WORDS = "{0} TYPE text(tokenizer=asciiCJK, preprocessor=translate(lowerUTF8({0}),'._:\\'','    '))"
_LOGID = {"i_logid": "logid TYPE bloom_filter(0.001) GRANULARITY 1"}
_TIME = {"i_ts": "ts TYPE minmax GRANULARITY 1"}

LOGS = FactTable(
    name="logs",
    order="(psm, ts)",
    days=10,
    indexes=_LOGID
    | {
        "i_words": _WORDS.format("message"),
        "i_stack_words": _WORDS.format("stack"),
        "i_keys": "mapKeys(fields) TYPE bloom_filter(0.001) GRANULARITY 1",
        "i_received": "received TYPE minmax GRANULARITY 1",
    },
    retired=("i_msg", "i_stk"),
)
CALLS = FactTable(name="calls", order="(psm, method, ts)", days=10, indexes=_LOGID | _TIME)
EDGES = FactTable(name="edge_10s", order="(psm, side, callee, method, ts)", days=396, indexes=_TIME)
PEERS = FactTable(name="peer_60s", order="(psm, callee, peer, ts)", days=90, indexes=_TIME)
RULES = FactTable(name="rule_10s", order="(owner, side, kind, psm, ts)", days=396, indexes=_TIME)
IN_FORCE = FactTable(name="in_force", order="(key, psm, ts)", days=10, indexes=_TIME)
EVENTS = FactTable(
    name="events",
    order="(ts, id)",
    days=730,
    indexes={"i_id": "id TYPE bloom_filter(0.001) GRANULARITY 1"},
)

TABLES = (LOGS, CALLS, EDGES, PEERS, RULES, IN_FORCE, EVENTS)
"""What rows are stored in. Those of the events come from the platform itself."""


class Mark(Struct):
    """One row of the marks: how far a source was committed to a table, for one day of its rows."""

    table_name: str
    src: int
    day: int
    pos: int


MARKS = Table(
    name="marks",
    columns={
        "table_name": "LowCardinality(String)",
        "src": "UInt64 CODEC(ZSTD(1))",
        "day": "Int32 CODEC(ZSTD(1))",
        "pos": "SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1))",
        "updated": "SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(ZSTD(1))",
    },
    merges="Aggregating",
    order="(table_name, src, day)",
    more=f"ORDER BY {{order}} TTL updated + INTERVAL 400 DAY SETTINGS {DURABLE}",
)

STORED = (*(table.as_table() for table in TABLES), MARKS)
"""All tables of a store but the one of its versions."""
