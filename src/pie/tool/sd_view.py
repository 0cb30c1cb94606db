"""How ``sd`` shows services in a terminal."""

import time

from pie.tool.sd_registry import Found, Registered
from pie.tool.table import BOLD, DIM, GOOD, LINK, WARN, Cell, Column, echo, paint, render

_INSTANCES = (
    Column("instance"),
    Column("cluster"),
    Column("protocol"),
    Column("pid", right=True),
    Column("version", cut=True),
    Column("since"),
    Column("up", right=True),
    Column("registered"),
)
_SERVICES = (
    Column("service", cut=True),
    Column("protocol"),
    Column("instances", right=True),
    Column("clusters", cut=True),
    Column("owners", cut=True),
)


def show_service(found: Found, now: float) -> None:
    """Print a heading and the table of instances."""
    echo(f"{paint(found.psm, BOLD)}  {paint(_summary(found), DIM)}")
    if found.saved:
        echo(paint(f"as of {_date(found.saved)}, {_span(now - found.saved)} ago", WARN))
    echo()
    echo(render(_INSTANCES, [_row(each, now) for each in found.instances]))


def show_list(services: list[Found]) -> None:
    """Print a table of services."""
    echo(render(_SERVICES, [_service_row(found) for found in services]))


def _summary(found: Found) -> str:
    count, clusters = len(found.instances), found.clusters
    parts = [
        f"{count} instance{'s' if count != 1 else ''} in "
        f"{len(clusters)} cluster{'s' if len(clusters) != 1 else ''}"
    ]
    if found.meta is not None:
        parts.append(f"{found.meta.framework} {found.meta.framework_version}".strip())
        parts.append(f"owners {', '.join(found.meta.owners)}" if found.meta.owners else "")
    return " · ".join(filter(None, parts))


def _row(each: Registered, now: float) -> list[str | Cell]:
    one = each.instance
    return [
        Cell(one.address, LINK),
        Cell(one.cluster, GOOD),
        one.protocol if one.protocol == one.transport else f"{one.protocol} {one.transport}",
        str(one.pid or "-"),
        one.version or "-",
        _date(one.started) if one.started else "-",
        _span(now - one.started) if one.started else "-",
        Cell("by hand", WARN) if each.by_hand else "itself",
    ]


def _service_row(found: Found) -> list[str | Cell]:
    count = len(found.instances)
    meta = found.meta
    protocol = meta.protocol if meta is not None and meta.protocol else ""
    if not protocol and found.instances:
        protocol = found.instances[0].instance.protocol
    return [
        Cell(found.psm, LINK if count else DIM),
        protocol or "-",
        Cell(str(count), GOOD if count else DIM),
        ", ".join(f"{name} ({n})" for name, n in sorted(found.clusters.items())) or "-",
        ", ".join(meta.owners) if meta is not None and meta.owners else "-",
    ]


def _date(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def _span(seconds: float) -> str:
    """A stretch of time in its two largest units."""
    left = max(0, int(seconds))
    for size, name, less, lesser in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if left >= size:
            return f"{left // size} {name} {left % size // less} {lesser}"
    return f"{left // 60} min" if left >= 60 else f"{left} s"
