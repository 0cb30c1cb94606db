"""The tables of the facts, and which version of them a store holds."""

from dataclasses import dataclass

from pie.platform.facts.engine import Engine, StoreError

VERSION = 1
"""Of the tables below; raised with every change that an older Pie could not work with."""

MERGE_TREE = "MergeTree"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of facts: its columns and indexes, its order, and how many days it keeps."""

    name: str
    columns: str
    order: str
    days: int

    def ddl(self, engine: str) -> str:
        """Its CREATE statement; ``engine`` is the engine clause of this store or cluster."""
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} ({self.columns},{_ORIGIN}) ENGINE={engine} "
            f"PARTITION BY toDate(ts) ORDER BY {self.order} "
            f"TTL toDateTime(ts) + INTERVAL {self.days} DAY "
            "SETTINGS ttl_only_drop_parts=1, non_replicated_deduplication_window=1000"
        )


# Where a row came from. `day` is that of the ts the sender gave, which `clamped` says was moved.
_ORIGIN = """
 src UInt64 CODEC(ZSTD(1)), pos UInt64 CODEC(Delta(8),ZSTD(1)),
 received DateTime64(3,'UTC') CODEC(Delta(8),ZSTD(1)), day Int32 CODEC(ZSTD(1)),
 clamped UInt8 CODEC(ZSTD(1)),
 INDEX i_src src TYPE bloom_filter(0.01) GRANULARITY 1
"""

_WORDS = "TYPE text(tokenizer=unicodeWord, preprocessor=translate(lower({0}),'._:','   '))"

_RECEIVED = "INDEX i_received received TYPE minmax GRANULARITY 1"

LOGS = Table(
    name="logs",
    columns=f"""
 ts DateTime64(6,'UTC') CODEC(Delta(8),ZSTD(1)), folder LowCardinality(String),
 host LowCardinality(String), psm LowCardinality(String), cluster LowCardinality(String),
 level LowCardinality(String), logid String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)),
 process UInt32 CODEC(ZSTD(1)), thread UInt64 CODEC(ZSTD(1)),
 file LowCardinality(String), line UInt32 CODEC(ZSTD(1)), message String CODEC(ZSTD(1)),
 stack String CODEC(ZSTD(3)), stack_hash UInt64 CODEC(ZSTD(1)),
 fields Map(LowCardinality(String),String) CODEC(ZSTD(1)),
 INDEX i_logid logid TYPE bloom_filter(0.001) GRANULARITY 1,
 INDEX i_msg message {_WORDS.format("message")},
 INDEX i_stk stack {_WORDS.format("stack")},
 {_RECEIVED}""",
    order="(psm, ts)",
    days=10,
)

CALLS = Table(
    name="calls",
    columns="""
 ts DateTime64(6,'UTC') CODEC(Delta(8),ZSTD(1)), side LowCardinality(String),
 protocol LowCardinality(String), psm LowCardinality(String), cluster LowCardinality(String),
 env LowCardinality(String), host LowCardinality(String), instance LowCardinality(String),
 caller LowCardinality(String), caller_cluster LowCardinality(String),
 callee LowCardinality(String), callee_cluster LowCardinality(String),
 method LowCardinality(String), verb LowCardinality(String), route LowCardinality(String),
 logid String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)), parent_id String CODEC(ZSTD(1)),
 attempt UInt16 CODEC(ZSTD(1)), attempts UInt16 CODEC(ZSTD(1)), peer String CODEC(ZSTD(1)),
 duration_us UInt64 CODEC(ZSTD(1)), outcome LowCardinality(String), code Int32 CODEC(ZSTD(1)),
 status UInt16 CODEC(ZSTD(1)), message String CODEC(ZSTD(1)), raised_by LowCardinality(String),
 rule LowCardinality(String), request_bytes UInt64 CODEC(ZSTD(1)),
 response_bytes UInt64 CODEC(ZSTD(1)), weight Float32 CODEC(ZSTD(1)),
 notes Array(String) CODEC(ZSTD(1)),
 INDEX i_logid logid TYPE bloom_filter(0.001) GRANULARITY 1,
 INDEX i_ts ts TYPE minmax GRANULARITY 1""",
    order="(psm, method, ts)",
    days=10,
)

EDGES = Table(
    name="edge_10s",
    columns="""
 ts DateTime('UTC') CODEC(Delta(4),ZSTD(1)), side LowCardinality(String),
 protocol LowCardinality(String), psm LowCardinality(String), cluster LowCardinality(String),
 env LowCardinality(String), host LowCardinality(String), instance LowCardinality(String),
 caller LowCardinality(String), caller_cluster LowCardinality(String),
 callee LowCardinality(String), callee_cluster LowCardinality(String),
 method LowCardinality(String), outcome LowCardinality(String), code Int32 CODEC(ZSTD(1)),
 count UInt64 CODEC(ZSTD(1)), duration_us UInt64 CODEC(ZSTD(1)),
 histogram Map(UInt16,UInt64) CODEC(ZSTD(1)),
 INDEX i_ts ts TYPE minmax GRANULARITY 1""",
    order="(psm, side, callee, method, ts)",
    days=396,
)

TABLES = (LOGS, CALLS, EDGES)

_LATER = (f"ALTER TABLE logs ADD {_RECEIVED.replace('INDEX', 'INDEX IF NOT EXISTS')}",)
"""What came into the tables of this version later; an older Pie works on with it."""


def prepare(engine: Engine, engine_clause: str = MERGE_TREE) -> None:
    """Make what is missing in the store and note the version.

    Raises:
        StoreError: the store was written by a newer Pie.
    """
    engine.execute(
        f"CREATE TABLE IF NOT EXISTS pie_schema (version UInt32, since DateTime('UTC')) "
        f"ENGINE={engine_clause} ORDER BY version"
    )
    found = int(engine.query("SELECT max(version) AS version FROM pie_schema")[0]["version"])
    if found > VERSION:
        raise StoreError(
            f"the facts were written by a newer Pie (schema {found}, this one knows {VERSION}): "
            "start the newer Pie, or give this one another directory"
        )
    for table in TABLES:
        engine.execute(table.ddl(engine_clause))
    for statement in _LATER:
        engine.execute(statement)
    if found < VERSION:
        engine.execute(f"INSERT INTO pie_schema VALUES ({VERSION}, now())")
