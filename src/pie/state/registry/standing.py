"""How well a service's instances are known, and the sentences that explain it to a person."""

from collections import Counter
from datetime import UTC, datetime
from typing import Literal

import msgspec

from pie.state.registry.instances import Instance

Source = Literal["store", "snapshot", "none"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a service. Times are Unix seconds, 0 = does not apply.

    ``since``: when the list in use was last known to be true. ``empty_since``: the store lists
    none since then, and the list in use is the last one that was not empty. ``away_since``: the
    store cannot be followed since then, for ``reason``. ``absent`` is a sentence on a name without
    instances: was it ever registered, and which names are like it.
    """

    psm: str
    instances: tuple[Instance, ...]
    source: Source
    since: float
    empty_since: float
    away_since: float
    reason: str
    absent: str = ""


def explain(standing: Standing, cluster: str, now: float) -> str:
    """A sentence or three for the error of a call that found nobody to talk to.

    Args:
        standing: what is known.
        cluster: the cluster the call asked for, empty = any.
        now: Unix seconds.
    """
    return " ".join(filter(None, (_what(standing, cluster), _how_known(standing, now))))


def doubt(standing: Standing, now: float) -> str:
    """Why the list in use may be out of date, and since when; empty when it is not."""
    return _how_known(standing, now) if standing.instances else ""


def _what(standing: Standing, cluster: str) -> str:
    psm = standing.psm
    clusters = Counter(instance.cluster for instance in standing.instances)
    if not clusters:
        known = (
            standing.absent or "Is it running with this platform's address, and is the name right?"
        )
        return f"No instances of {psm} are known. {known}"
    if cluster and cluster not in clusters:
        listed = [f"{name} ({_count(clusters[name])})" for name in sorted(clusters)]
        called = " (called when no other is named)" if cluster == "default" else ""
        return (
            f"{psm} has no instances in cluster {cluster!r}{called}; its clusters are "
            f"{', '.join(listed)}. Call one of them with to_cluster={sorted(clusters)[0]!r} in the "
            f"client, `cluster:` in its yml or PIE_TO_CLUSTER={psm}={sorted(clusters)[0]}; or "
            f"start an instance with PIE_CLUSTER={cluster}."
        )
    count = clusters[cluster] if cluster else clusters.total()
    where = f"cluster {cluster!r}" if cluster else f"clusters {', '.join(sorted(clusters))}"
    return f"{psm} has {count} known instance{'s' if count != 1 else ''} in {where}."


def _count(number: int) -> str:
    return f"{number} instance{'s' if number != 1 else ''}"


def _how_known(standing: Standing, now: float) -> str:
    parts: list[str] = []
    if standing.source == "snapshot":
        parts.append(f"The list is from the disk snapshot of {_date(standing.since, now)}.")
    elif standing.instances and standing.empty_since:
        parts.append(f"The list is the last known one, true at {_date(standing.since, now)}.")
    if standing.empty_since:
        parts.append(f"The registry lists none since {_date(standing.empty_since, now)}.")
    if standing.away_since:
        away = _date(standing.away_since, now)
        parts.append(_sentence(f"The registry is away since {away}: {standing.reason}"))
    elif standing.reason:
        parts.append(_sentence(f"Note: {standing.reason}"))
    return " ".join(parts)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _date(when: float, now: float) -> str:
    text = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{text} ({max(0.0, now - when):.0f} s ago)"
