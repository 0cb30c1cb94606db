"""Installations in SQLite; the file is made from installations.sql when it is not there."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATABASE = HERE / "installations.db"


def prepare() -> None:
    """Make the database, whole or not at all."""
    if DATABASE.exists():
        return
    descriptor, name = tempfile.mkstemp(dir=HERE)
    os.close(descriptor)
    with closing(sqlite3.connect(name)) as database:
        database.executescript((HERE / "installations.sql").read_text(encoding="utf-8"))
    Path(name).replace(DATABASE)


def query(sql: str, *values: object) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(DATABASE)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(sql, values).fetchall()
