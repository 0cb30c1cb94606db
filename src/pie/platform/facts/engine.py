"""A small adapter over the column store: chDB in this process, or a ClickHouse server."""

import json
import re
import resource
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from pie.platform.facts.disk_guard import DiskGuard, end_process
from pie.platform.facts.errors import StoreError
from pie.platform.facts.home import Home

_OPEN_FILES = 65_536

_CONFIG = Path(__file__).with_name("chdb.xml")
"""What can be told to the engine in no other way; in force for tables that exist already, too."""

_SESSION = {
    "prefer_column_name_to_alias": 1,
    "output_format_json_quote_64bit_integers": 0,
    "max_execution_time": 20,
    "max_threads": 2,
    # By default a thread is only used for each whole GiB that is free, of which a store has one.
    "max_threads_min_free_memory_per_thread": 0,
    "async_insert": 0,
}

# One insert is one block is one part: committed as a whole or not at all.
_ATOMIC_INSERT = {
    "max_insert_block_size": 1_000_000_000,
    "max_insert_block_size_bytes": 0,
    "min_insert_block_size_rows": 1_000_000_000,
    "min_insert_block_size_bytes": 1 << 40,
    "max_insert_threads": 1,
    "input_format_parallel_parsing": 0,
    "max_partitions_per_insert_block": 1,
    "throw_on_max_partitions_per_insert_block": 1,
    "max_execution_time": 0,
}


# ClickHouse's codes for input that does not parse as, or fit, the columns it is for.
_DATA_CODES = frozenset({6, 25, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 349, 436})


# ClickHouse's codes for files of its own that are damaged or gone.
_DAMAGE_CODES = frozenset({32, 33, 40, 76, 107, 108, 226, 228, 246, 271, 432, 740})


class Engine:
    """Statements, questions and inserts; a connection for each thread that uses it.

    Args:
        connect: makes a connection.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._local = threading.local()
        self.guard: DiskGuard | None = None
        """Set for a store on a disk of this host."""

    def execute(self, sql: str) -> None:
        """Run a statement without an answer."""
        try:
            self._client().command(sql)
        except ClickHouseError as error:
            raise _store_error(error) from error

    def ask(self, sql: str, params: dict[str, Any]) -> bytes:
        """One JSON object per line; ``{name:Type}`` in the SQL stands for a parameter."""
        try:
            return self._client().raw_query(sql, parameters=params, fmt="JSONEachRow")
        except ClickHouseError as error:
            raise _store_error(error) from error

    def query(self, sql: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows as dictionaries, for small answers."""
        return [json.loads(line) for line in self.ask(sql, params or {}).splitlines()]

    def insert(self, table: str, ndjson: bytes) -> None:
        """Add rows of one partition, all or none; they are stored when this returns."""
        if self.guard is not None:
            self.guard.before_insert(len(ndjson))
        try:
            self._client().raw_insert(
                table, insert_block=ndjson, fmt="JSONEachRow", settings=_ATOMIC_INSERT
            )
        except ClickHouseError as error:
            raise _store_error(error) from error
        except OSError as error:  # The rows go through a file, e.g. on a full disk.
            raise StoreError(f"the rows cannot be handed to the store: {error}") from error
        if self.guard is not None:
            self.guard.look()

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._connect()
        return client


def open_chdb(directory: Path, *, memory: int, patience: float) -> Engine:
    """chDB on a directory, for this process alone, without a look at what is in it.

    Args:
        memory: bytes the engine may use.
        patience: seconds to wait for a process that still has the directory.

    Raises:
        StoreError: another process keeps the directory, or it cannot be used.
    """
    return connect_chdb(Home(directory, patience), memory=memory)


def connect_chdb(home: Home, *, memory: int) -> Engine:
    """chDB on a directory that this process owns; to be called after the last fork.

    It is opened by the first statement.

    Args:
        memory: bytes the engine may use.

    Raises:
        StoreError: the directory cannot be written.
    """
    _raise_open_files()
    # Inserts go through temporary files: kept here, so that what a crash leaves is found again.
    drafts = home.directory / "drafts"
    try:
        drafts.mkdir(mode=0o700, exist_ok=True)
        for left_over in drafts.iterdir():
            left_over.unlink()
    except OSError as error:
        raise StoreError(f"{drafts} cannot be used: {error}") from error
    tempfile.tempdir = str(drafts)
    options = {
        "config-file": str(_CONFIG),
        "max_server_memory_usage": memory,
        "mark_cache_size": memory // 16,
        "primary_index_cache_size": memory // 16,
        "index_mark_cache_size": memory // 32,
        "text_index_tokens_cache_size": memory // 32,
        "text_index_header_cache_size": memory // 32,
        "text_index_postings_cache_size": memory // 16,
        "query_condition_cache_size": memory // 64,
    }
    settings = _SESSION | {"max_memory_usage": memory // 2}

    def connect() -> Client:
        return clickhouse_connect.get_client(
            interface="chdb",
            path=str(home.store),
            settings=settings,
            chdb_options=options,
        )

    engine = Engine(connect)
    engine.guard = DiskGuard(engine.query, engine.execute, home.free, end_process)
    return engine


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _store_error(error: ClickHouseError) -> StoreError:
    # An engine that cannot be opened repeats all its options before it says why.
    text = re.sub(r"^Unable to open the chdb engine at '[^']*': ", "", str(error).strip())
    code = getattr(error, "code", None)
    return StoreError(
        f"the column store says: {text[:1000]}",
        about_data=code in _DATA_CODES,
        damage=code in _DAMAGE_CODES,
    )
