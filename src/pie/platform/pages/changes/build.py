"""From rows of events to answers, and to CSV. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pie.platform.pages.changes.diff import diff_of, summary_of
from pie.platform.pages.changes.sql import ChangesWanted, CountRow, EventRow
from pie.platform.pages.changes.views import Change, ChangeCount, ChangeDetail, ChangeList

_COLUMNS = ("time", "kind", "service", "subject", "version", "person", "reason", "change", "id")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads."""

    name: str
    admin: bool

    def may_see(self, row: EventRow) -> bool:
        """Whether what differs is shown to them: what concerns another's tokens is not."""
        return self.admin or row.kind != "people" or row.subject == f"person/{self.name}"


def build_list(
    wanted: ChangesWanted,
    rows: Sequence[EventRow],
    limit: int,
    kinds: Sequence[CountRow],
    people: Sequence[CountRow],
    reader: Reader,
    now: float,
) -> ChangeList:
    """The answer; of ``rows`` there may be one more than ``limit``."""
    shown = rows[:limit]
    return ChangeList(
        now=now,
        since=wanted.since,
        until=wanted.until,
        changes=[build_change(row, reader) for row in shown],
        next=shown[-1].id if len(rows) > limit else "",
        kinds=[ChangeCount(row.name, row.count) for row in kinds],
        people=[ChangeCount(row.name, row.count) for row in people],
    )


def build_change(row: EventRow, reader: Reader) -> Change:
    """One change."""
    visible = reader.may_see(row)
    return Change(
        id=row.id,
        at=row.at,
        kind=row.kind,
        psm=row.psm,
        subject=row.subject,
        version=row.version,
        person=row.person,
        reason=row.reason,
        summary=summary_of(row.old, row.new) if visible and row.brief else "",
        hidden=not visible,
    )


def build_detail(row: EventRow, reader: Reader) -> ChangeDetail:
    """One change with its diff; without it for who may not see it."""
    before, after = (row.old, row.new) if reader.may_see(row) else ("", "")
    return ChangeDetail(build_change(row, reader), before, after, diff_of(before, after))


def build_csv(rows: Sequence[EventRow], reader: Reader) -> str:
    """The changes as a table for spreadsheets, with a line of names above."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in rows:
        change = build_change(row, reader)
        at = datetime.fromtimestamp(change.at, UTC).isoformat(timespec="milliseconds")
        cells = (change.kind, change.psm, change.subject, str(change.version or ""))
        words = (change.person, change.reason, change.summary, change.id)
        writer.writerow([at, *map(_cell, (*cells, *words))])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
