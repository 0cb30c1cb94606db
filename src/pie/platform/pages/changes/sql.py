"""The questions about changes."""

from dataclasses import dataclass

import msgspec

from pie.platform.ask.asking import Ask, decode

_SUMMARISED = 8_000
"""Characters of before and after together that a line of the list can sum up."""

# A bound on ts as well as on the id, which begins with the time: the table is ordered by ts.
_SPAN = """
events.ts >= fromUnixTimestamp64Micro({since:Int64})
AND events.ts < fromUnixTimestamp64Micro({until:Int64})
AND ({psm:String} = '' OR psm = {psm:String} OR startsWith(psm, concat({psm:String}, '.')))
AND ({q:String} = ''
  OR positionCaseInsensitiveUTF8(concat(subject, '\\n', psm, '\\n', reason), {q:String}) > 0)
"""
_OF_KIND = "(empty({kinds:Array(String)}) OR has({kinds:Array(String)}, kind))"
_OF_PERSON = "({person:String} = '' OR person = {person:String})"
_COLUMNS = """
id, toUnixTimestamp64Micro(events.ts) / 1e6 AS at, kind, psm, subject, version, person, reason
"""

_LIST = f"""
SELECT {_COLUMNS}, length(before) + length(after) <= {_SUMMARISED} AS brief,
  if(brief, before, '') AS old, if(brief, after, '') AS new
FROM events
WHERE {_SPAN} AND {_OF_KIND} AND {_OF_PERSON} AND ({{before:String}} = '' OR id < {{before:String}})
ORDER BY id DESC LIMIT 1 BY id LIMIT {{limit:UInt32}}
"""
_KINDS = f"""
SELECT kind AS name, uniqExact(id) AS count FROM events WHERE {_SPAN} AND {_OF_PERSON}
GROUP BY name ORDER BY count DESC, name LIMIT 100
"""
_PEOPLE = f"""
SELECT person AS name, uniqExact(id) AS count FROM events WHERE {_SPAN} AND {_OF_KIND}
GROUP BY name ORDER BY count DESC, name LIMIT 200
"""
_ONE = f"""
SELECT {_COLUMNS}, 1 AS brief, before AS old, after AS new FROM events
WHERE id = {{id:String}} LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ChangesWanted:
    """Which changes: of which span (Unix seconds), service or what it belongs to, kinds and person.

    ``q`` is a part of the subject, the name of the service or the reason; ``before`` the id of the
    last change that is known already.
    """

    since: float
    until: float
    psm: str = ""
    kinds: tuple[str, ...] = ()
    person: str = ""
    q: str = ""
    before: str = ""

    def params(self, limit: int = 0) -> dict[str, object]:
        """The parameters of the questions."""
        return {
            "since": int(self.since * 1e6),
            "until": int(self.until * 1e6),
            "psm": self.psm,
            "kinds": list(self.kinds),
            "person": self.person,
            "q": self.q,
            "before": self.before,
            "limit": limit,
        }


class EventRow(msgspec.Struct):
    """One event; what was before and is since (``old``, ``new``) is left out unless ``brief``."""

    id: str
    at: float
    kind: str
    psm: str
    subject: str
    version: int
    person: str
    reason: str
    brief: int
    old: str
    new: str


class CountRow(msgspec.Struct):
    """How many changes have a name."""

    name: str
    count: int


class ChangesReader:
    """Asks for changes; raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def newest(self, wanted: ChangesWanted, limit: int) -> list[EventRow]:
        """The newest changes, each once."""
        return decode(await self._ask(_LIST, wanted.params(limit)), EventRow)

    async def kinds(self, wanted: ChangesWanted) -> list[CountRow]:
        """How many changes there are of each kind."""
        return decode(await self._ask(_KINDS, wanted.params()), CountRow)

    async def people(self, wanted: ChangesWanted) -> list[CountRow]:
        """How many changes each person made."""
        return decode(await self._ask(_PEOPLE, wanted.params()), CountRow)

    async def one(self, event_id: str) -> EventRow | None:
        """One change, whole; None if there is none of that id."""
        rows = decode(await self._ask(_ONE, {"id": event_id}), EventRow)
        return rows[0] if rows else None
