"""Shows services in a terminal, for ``sd``."""

from pie.tool.registry.registry import Found, Registered
from pie.tool.terminal.table import BOLD, DIM, GOOD, LINK, WARN, Cell, Column, echo, paint, render
from pie.tool.terminal.text import ago, keep_columns, moment, plural, span

_INSTANCES = (
    Column("INSTANCE"),
    Column("CLUSTER"),
    Column("PROTOCOL"),
    Column("PID", right=True),
    Column("VERSION", cut=True),
    Column("SINCE"),
    Column("UP", right=True),
    Column("REGISTERED"),
)
_DISPENSABLE = ("SINCE", "VERSION", "PID")
_SERVICES = (
    Column("SERVICE", cut=True),
    Column("PROTOCOL"),
    Column("INSTANCES", right=True),
    Column("CLUSTERS", cut=True),
    Column("OWNERS", cut=True),
)


def show_service(found: Found, now: float) -> None:
    """Print a heading and the table of instances."""
    echo(f"{paint(found.psm, BOLD)}  {paint(_summary(found), DIM)}")
    if found.saved:
        echo(paint(f"as of {moment(found.saved)}, {ago(found.saved, now)}", WARN))
    echo()
    rows = [_row(each, now) for each in found.instances]
    echo(render(*keep_columns(_INSTANCES, rows, _DISPENSABLE)))


def show_list(services: list[Found]) -> None:
    """Print a table of services."""
    echo(render(_SERVICES, [_service_row(found) for found in services]))


def _summary(found: Found) -> str:
    count, clusters = len(found.instances), found.clusters
    parts = [f"{plural(count, 'instance')} in {plural(len(clusters), 'cluster')}"]
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
        moment(one.started) if one.started else "-",
        span(now - one.started) if one.started else "-",
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
