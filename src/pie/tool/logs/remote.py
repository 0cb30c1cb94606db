"""Log lines from the platform: search, and the live tail that survives its restarts."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pie.model import LOGID_FORM
from pie.platform.ask.query.literal import quoted
from pie.tool.logs.lines import Line
from pie.tool.logs.query import point_at, way_out
from pie.tool.terminal.api import Api, ApiError, Event, PlatformAwayError

_PAGE = 1000
_REMEMBERED = 50_000
_OVERLAP_S = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


_LOGID = re.compile(LOGID_FORM)


class Wanted(NamedTuple):
    """Which lines. ``since`` and ``until`` are Unix seconds; None leaves them to the platform."""

    query: str = ""
    level: str = ""
    logid: str = ""
    psm: Sequence[str] = ()
    cluster: Sequence[str] = ()
    host: Sequence[str] = ()
    since: float | None = None
    until: float | None = None

    @property
    def q(self) -> str:
        """The query with what the options add. The person's own text comes first, so that the
        position of an error in it is right."""
        own = self.query
        more = [f"level>={self.level}" if self.level else "", self._chain]
        rest = " ".join(filter(None, more))
        if own and rest:
            return f"({own}) {rest}"
        return own or rest

    @property
    def _chain(self) -> str:
        """The logid as a part of the query: by itself it also finds lines that mention it, where it
        can be told from a word."""
        if not self.logid or _LOGID.fullmatch(self.logid):
            return self.logid
        return f"logid:{quoted(self.logid)}"

    def params(self) -> dict[str, Any]:
        """The filter parameters of the API."""
        return {
            "q": self.q,
            "psm": self.psm,
            "cluster": self.cluster,
            "host": self.host,
            "since": self.since,
            "until": self.until,
        }


class Found(NamedTuple):
    """Lines in order of time; ``texts`` of the query look like fields that no line has."""

    lines: list[Line]
    texts: list[str]


class QueryError(ApiError):
    """The query does not parse; the message shows where."""


def search(api: Api, wanted: Wanted, count: int) -> Found:
    """The newest ``count`` lines, in order of time.

    Raises:
        QueryError: the query does not parse.
        ApiError: as ``Api.get``.
    """
    lines: list[Line] = []
    texts: list[str] = []
    cursor = ""
    while len(lines) < count:
        page = _ask(
            api,
            wanted,
            {"order": "desc", "limit": min(_PAGE, count - len(lines)), "cursor": cursor},
        )
        lines += page["lines"]
        texts = [each["text"] for each in page.get("taken_as_text", ())]
        cursor = page["next"] or ""
        if not cursor:
            break
    lines.reverse()
    return Found(lines, texts)


def follow(
    api: Api, wanted: Wanted, count: int, say: Callable[[str], None]
) -> Iterator[list[Line]]:
    """The newest ``count`` lines, then those that come, each once, for ever.

    When the platform goes, it is asked again until it is back; then first for what was missed: the
    lines since half a minute before it went, but none older than the first one shown.

    Raises:
        ApiError: the first question fails, or a later one other than by the platform's absence.
    """
    shown = _Shown()
    oldest: tuple[int, ...] = ()
    since: float | None = None
    pause = _FIRST_PAUSE
    while True:
        try:
            # The tail first: what comes between the two is in both, rather than in neither.
            events = _tail(api, wanted)
            if since is None:
                began = time.time()
                lines = search(api, wanted, count).lines
                oldest = _position(lines[0]) if lines else (int(began * 1e6),)
                yield shown.new(lines)
            else:
                say("the platform is back")
                missed = _missed(api, wanted, since)
                yield shown.new(line for line in missed if _position(line) >= oldest)
            pause = _FIRST_PAUSE
            for event in events:
                since = time.time()
                if event.name == "lines":
                    yield shown.new(event.data)
                elif event.name == "dropped":
                    say(f"{event.data['count']:,} lines left out: they came too fast to be shown")
            raise PlatformAwayError("the platform ended the stream")
        except ApiError as error:
            if since is None and not shown:
                raise
            if not isinstance(error, PlatformAwayError) and error.status < 500:
                raise
            since = since or time.time()
            if pause == _FIRST_PAUSE:
                say(f"lost the platform ({error.message.partition(':')[0]}); asking again")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


class _Shown:
    """The lines shown lately, by id."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._any = False

    def __bool__(self) -> bool:
        return self._any

    def new(self, lines: Iterable[Line]) -> list[Line]:
        """Those not shown yet."""
        self._any = True
        found = []
        for line in lines:
            if line["id"] not in self._ids:
                self._ids[line["id"]] = None
                found.append(line)
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)
        return found


def _position(line: Line) -> tuple[int, ...]:
    """The order of a line among all: its id is time, source and position."""
    return tuple(map(int, line["id"].split("-")))


def _missed(api: Api, wanted: Wanted, since: float) -> list[Line]:
    lines: list[Line] = []
    cursor = ""
    about = wanted._replace(since=since - _OVERLAP_S, until=None)
    while True:
        page = _ask(api, about, {"order": "asc", "limit": _PAGE, "cursor": cursor})
        lines += page["lines"]
        cursor = page["next"] or ""
        if not cursor or len(lines) >= _REMEMBERED:
            return lines


def _tail(api: Api, wanted: Wanted) -> Iterator[Event]:
    try:
        return api.events("/api/logs/tail", wanted._replace(since=None, until=None).params())
    except ApiError as error:
        raise _explained(error, wanted) from None


def _ask(api: Api, wanted: Wanted, more: dict[str, Any]) -> Any:
    try:
        return api.get("/api/logs/search", {**wanted.params(), **more})
    except ApiError as error:
        raise _explained(error, wanted) from None


def _explained(error: ApiError, wanted: Wanted) -> ApiError:
    """Show an error in the query below the position it is at."""
    at = error.body.get("at")
    if not isinstance(at, dict):
        return error
    message = point_at(wanted.q, int(at["offset"]), int(at["length"]), error.message)
    message += way_out(wanted.query)
    return QueryError(message, error.status, error.body)
