"""Who runs which version: what each process last reported, beside who is registered.

A process reports by the log road when something changes and every minute; so what is older than
some minutes is of a process that ended, or whose reports do not arrive.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pie.govern import Key
from pie.platform.ask.asking import Ask, decode
from pie.state import Service
from pie.state.rules.document import RuleDocument

REPORT_SECONDS: Final = 200
"""Three reports may be late or lost, and the fourth on its way."""
MAX_BEHIND: Final = 50
_MAX_REPORTS: Final = 20_000

_REPORTS = """
SELECT psm, instance, process, any(host) AS host, any(cluster) AS cluster, key,
  argMax(version, in_force.ts) AS version, argMax(trouble, in_force.ts) AS trouble,
  toUnixTimestamp(max(in_force.ts)) AS last
FROM in_force
WHERE in_force.ts >= fromUnixTimestamp({since:Int64}) AND endsWith(key, {suffix:String})
GROUP BY psm, instance, process, key ORDER BY last DESC LIMIT {limit:UInt32}
"""


class Report(msgspec.Struct, frozen=True):
    """The newest report of one process about one rule set; ``trouble``: why it does not run it."""

    psm: str
    instance: str
    host: str
    cluster: str
    key: str
    version: int
    trouble: str
    last: int


@dataclass(slots=True)
class BehindInstance:
    """An instance that does not run what it should: ``version`` is what it runs, -1 = unknown."""

    psm: str
    instance: str
    host: str
    cluster: str
    version: int
    wanted: int
    trouble: str
    last: float


@dataclass(slots=True)
class InForce:
    """How far a version has come: ``current`` of ``instances`` run what they should, ``at_version``
    run the newest version.

    During a roll-out the two differ. ``known`` is false while reports cannot be read.
    """

    version: int
    instances: int
    current: int
    at_version: int
    behind: list[BehindInstance] = field(default_factory=list)
    known: bool = True


async def reports(ask: Ask, psm: str, now: float) -> list[Report]:
    """The newest report of each process about each rule set that a service's owner publishes."""
    params = {
        "since": int(now) - REPORT_SECONDS,
        "suffix": f"@{psm}",
        "limit": _MAX_REPORTS,
    }
    return decode(await ask(_REPORTS, params), Report)


def report_key(key: Key) -> str:
    """How reports name a rule set."""
    return f"rule/{key.side}/{key.kind}@{key.psm}"


def in_force(
    key: Key,
    document: RuleDocument | None,
    found: Sequence[Report] | None,
    registry: Mapping[str, Service],
) -> InForce:
    """How far a rule set has come, by the reports; None = they cannot be read now.

    The rules for callers are run by whoever calls the service and reports so; the others by the
    registered instances of the service.
    """
    version = document.version if document is not None else 0
    mine: dict[str, list[Report]] = {}
    for report in found or ():
        if report.key == report_key(key):
            mine.setdefault(report.instance, []).append(report)
    if key.side == "callers":
        firsts = [its[0] for its in mine.values()]
        expected = [(each.psm, each.instance, each.host, each.cluster) for each in firsts]
    else:
        expected = list(_registered(registry.get(key.psm)))
    answer = InForce(version, len(expected), 0, 0, known=found is not None)
    for psm, instance, host, cluster in expected:
        wanted = document.for_instance(instance)[0] if document is not None else 0
        worst = _worst(mine.get(instance, ()), wanted)
        # Who reports nothing of a set runs no rules of it.
        runs = worst.version if worst is not None else -1 if wanted else 0
        answer.at_version += runs == version
        if runs == wanted and not (worst is not None and worst.trouble):
            answer.current += 1
        elif len(answer.behind) < MAX_BEHIND:
            trouble = worst.trouble if worst is not None else ""
            last = float(worst.last) if worst is not None else 0.0
            answer.behind.append(
                BehindInstance(psm, instance, host, cluster, runs, wanted, trouble, last)
            )
    return answer


def _worst(its: Sequence[Report], wanted: int) -> Report | None:
    """Of the processes of an instance, one that does not run what it should, if there is one."""
    return max(its, key=lambda each: (each.version != wanted, bool(each.trouble)), default=None)


def _registered(service: Service | None) -> Iterable[tuple[str, str, str, str]]:
    for each in service.instances if service is not None else ():
        yield each.psm, each.id, each.host, each.cluster
