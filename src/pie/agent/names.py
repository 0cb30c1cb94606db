"""What the folder and name of a file of the log road mean. Pure.

``<product>/log/<folder>/<psm>.<YYYYmmddHH>.log`` for people, ``<psm>@<cluster>`` for a process of
another cluster than ``default``;
``<product>/log/facts/<psm>.<kind>.<YYYYmmddHH>.ndjson`` for facts.
"""

import re
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from pie.model import PSM

HUMAN_FOLDERS = ("app", "rpc", "python", "run", "uwsgi")
FACTS_FOLDER = "facts"
FOLDERS = (*HUMAN_FOLDERS, FACTS_FOLDER)
TABLE_OF_KIND = {
    "calls": "calls",
    "edges": "edge_10s",
    "peers": "peer_60s",
    "rules": "rule_10s",
    "in_force": "in_force",
}
TABLES = (*TABLE_OF_KIND.values(), "logs")
HOUR_S = 3600.0
DEFAULT_CLUSTER = "default"

_HUMAN = re.compile(r"(?P<name>.+?)(?:\.(?P<hour>[0-9]{10}))?\.log")
_FACTS = re.compile(r"(?P<name>.+?)\.(?P<kind>[a-z0-9_]+)(?:\.(?P<hour>[0-9]{10}))?\.ndjson")
_RENAMED = re.compile(r"(.+?\.(?:log|ndjson))[.~-](?!.*gz$).*")
_COMPRESSED = re.compile(r".+\.(?P<hour>[0-9]{10})\.(?:log|ndjson)(?:-[0-9]+)?\.gz")


class Hour(NamedTuple):
    """An hour of the fleet's wall clock in Unix seconds, ``start <= t < end``."""

    start: float
    end: float


class LogFile(NamedTuple):
    """A file the agent ships: where it goes and whose it is."""

    table: str
    folder: str
    psm: str
    hour: Hour | None
    cluster: str = DEFAULT_CLUSTER

    @property
    def owner(self) -> str:
        """The service that its name tells; empty for a name that is no PSM."""
        return self.psm if _is_psm(self.psm) else ""


def parse_hour(digits: str, zone: tzinfo) -> Hour | None:
    """The hour of ``YYYYmmddHH``; where the clock is set back, it is two hours long."""
    try:
        start = datetime.strptime(digits, "%Y%m%d%H").replace(tzinfo=zone)
        return Hour(start.timestamp(), start.replace(fold=1).timestamp() + HOUR_S)
    except (ValueError, OverflowError):
        return None


def parse_name(folder: str, name: str, zone: tzinfo) -> LogFile | None:
    """Table, folder, PSM, hour and cluster of a file; None for one that the agent does not ship."""
    match = (_FACTS if folder == FACTS_FOLDER else _HUMAN).fullmatch(name)
    if match is None:
        return None
    table = TABLE_OF_KIND.get(match["kind"]) if folder == FACTS_FOLDER else "logs"
    if table is None:
        return None
    hour = parse_hour(match["hour"], zone) if match["hour"] else None
    psm, cluster = _owner(match["name"])
    return LogFile(table, folder, psm, hour, cluster)


def former_name(name: str) -> str:
    """The name of a log file before somebody added an end to it, as logrotate does; or empty."""
    match = _RENAMED.fullmatch(name)
    return match[1] if match else ""


def compressed_hour(name: str, zone: tzinfo) -> Hour | None:
    """The hour of a file this agent compressed, or None for any other file."""
    match = _COMPRESSED.fullmatch(name)
    return parse_hour(match["hour"], zone) if match else None


@lru_cache(maxsize=1024)
def _is_psm(name: str) -> bool:
    try:
        PSM.parse(name)
    except ValueError:
        return False
    return True


def _owner(stem: str) -> tuple[str, str]:
    """PSM and cluster: the leading three parts when they are a PSM (a pid may follow), and what
    stands behind an ``@``; else the whole stem."""
    name, _, cluster = stem.partition("@")
    leading = ".".join(name.split(".")[:3])
    try:
        return str(PSM.parse(leading)), cluster or DEFAULT_CLUSTER
    except ValueError:
        return stem, DEFAULT_CLUSTER
