"""``sd``: who is registered where; and registering by hand what does not do it itself."""

import socket
import sys
import time
from pathlib import Path

import click

import pie
from pie.model import PSM, host_and_port
from pie.state import Instance, StoreError, instance_key, meta_key
from pie.state.registry.instances import encode
from pie.thrift import transport_names
from pie.tool.registry.registry import Found, Registered, Registry, as_json
from pie.tool.registry.view import show_list, show_service
from pie.tool.terminal.clean import CleanGroup
from pie.tool.terminal.table import WARN, echo, paint
from pie.tool.terminal.text import moment

_TRANSPORTS = (*transport_names(), "http")
_PLATFORM = click.option(
    "--platform", "url", default="", help="Address of the platform: the workspace's if left out."
)
_JSON = click.option("--json", "as_json_", is_flag=True, help="Print JSON, for programs.")


@click.group(cls=CleanGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(pie.__version__, prog_name="sd")
def sd() -> None:
    """Service discovery: who is registered where.

    \b
    sd lookup toutiao.article.article                 its instances, with their clusters
    sd lookup toutiao.article.article --cluster canary
    sd list article                                   services with that in their name
    sd register toutiao.legacy.thing 10.3.48.216:9090 --transport framed
    """


@sd.command()
@click.argument("psm")
@click.option("--cluster", default="", help="Only instances of this cluster.")
@_JSON
@_PLATFORM
def lookup(psm: str, cluster: str, as_json_: bool, url: str) -> None:
    """List the instances of a service, with their clusters."""
    registry = Registry(url)
    found = registry.find(psm)
    if found.away:
        click.echo(f"{found.away}\nThis is the last list known on this machine.", err=True)
    if not found.instances:
        raise click.ClickException(_none_left(registry, found))
    if cluster:
        found = _only(found, cluster)
    if as_json_:
        click.echo(as_json(found).decode())
    else:
        show_service(found, time.time())


@sd.command("list")
@click.argument("text", default="")
@_JSON
@_PLATFORM
def list_(text: str, as_json_: bool, url: str) -> None:
    """List services: all, or those with TEXT in their name."""
    services = [found for psm, found in Registry(url).all().items() if text.lower() in psm]
    if as_json_:
        click.echo((b"[" + b",".join(as_json(found) for found in services) + b"]").decode())
    elif services:
        show_list(services)
    else:
        raise click.ClickException(
            f"no registered service has {text!r} in its name" if text else "nobody is registered"
        )


@sd.command()
@click.argument("psm")
@click.argument("address", metavar="HOST:PORT")
@click.option(
    "--transport",
    type=click.Choice(_TRANSPORTS),
    required=True,
    help="How it speaks. Plain Apache Thrift: framed or buffered, with the strict binary protocol.",
)
@click.option("--cluster", default="default", show_default=True)
@click.option("--env", default="", help="Environment it belongs to.")
@click.option("--idc", default="", help="Data centre it runs in.")
@click.option("--tag", "tags", multiple=True, help="A tag for route rules; may be repeated.")
@click.option("--version", "version", default="", help="Version, for people.")
@click.option(
    "--idl",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its IDL, so that its methods are listed and `pie call` knows them.",
)
@click.option("--service", default="", help="Its service, if the IDL has several.")
@_PLATFORM
def register(
    psm: str,
    address: str,
    transport: str,
    cluster: str,
    env: str,
    idc: str,
    tags: tuple[str, ...],
    version: str,
    idl: Path | None,
    service: str,
    url: str,
) -> None:
    """Register an instance that does not do it itself: one that is not on Pie.

    It has no lease: it stays until `sd deregister`, be it alive or not.
    """
    try:
        PSM.parse(psm)
        host, port = host_and_port(address)
        instance = Instance(
            psm=psm, id=f"{host}:{port}", host=host, port=port, cluster=cluster, env=env,
            protocol="http" if transport == "http" else "thrift",
            transport=transport,
            version=version, started=time.time(), idc=idc, tags=tags,
        )  # fmt: skip
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    meta = _meta(psm, idl, service) if idl is not None else None
    registry = Registry(url)
    key = instance_key(instance)
    try:
        there = registry.store.get(key)
        if there is not None and there.lease:
            raise click.ClickException(
                f"{psm} at {instance.address} is registered in cluster {cluster} already, by "
                "itself and as long as it lives: there is nothing to do"
            )
        writing = registry.writing()
        writing.put(key, encode(instance))
        if meta is not None:
            writing.put(meta_key(psm), meta)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    echo(f"registered {psm} at {instance.address} in cluster {cluster}, {transport}")
    _warn_if_deaf(host, port)


@sd.command()
@click.argument("psm")
@click.argument("address", metavar="HOST:PORT")
@click.option("--force", is_flag=True, help="Also one that registered itself.")
@_PLATFORM
def deregister(psm: str, address: str, force: bool, url: str) -> None:
    """Take out an instance that was registered by hand."""
    registry = Registry(url)
    try:
        host, port = host_and_port(address)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    found = registry.find(psm)
    if found.away:
        raise click.ClickException(found.away)
    chosen = [e for e in found.instances if (e.instance.host, e.instance.port) == (host, port)]
    if not chosen:
        there = ", ".join(each.instance.address for each in found.instances) or "none"
        raise click.ClickException(f"{psm} has no instance at {address}; it has: {there}")
    for each in chosen:
        _take_out(registry, each, force)


def _take_out(registry: Registry, each: Registered, force: bool) -> None:
    instance = each.instance
    if not each.by_hand and not force:
        raise click.ClickException(
            f"{instance.psm} at {instance.address} registered itself and deregisters when it "
            "stops: stop it, or use --force (it comes back if it restarts)"
        )
    try:
        registry.writing().delete(instance_key(instance))
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    echo(f"deregistered {instance.psm} at {instance.address}, cluster {instance.cluster}")


def _only(found: Found, cluster: str) -> Found:
    kept = tuple(each for each in found.instances if each.instance.cluster == cluster)
    if not kept:
        there = ", ".join(f"{name} ({count})" for name, count in sorted(found.clusters.items()))
        raise click.ClickException(
            f"{found.psm} has no instances in cluster {cluster!r}; its clusters are {there}"
        )
    return found._replace(instances=kept)


def _none_left(registry: Registry, found: Found) -> str:
    lines = [f"{found.psm} has no instances now; it was registered before."]
    if found.meta is not None and found.meta.owners:
        lines.append(f"Its owners: {', '.join(found.meta.owners)}.")
    instances, saved = registry.snapshot(found.psm)
    if instances:
        there = ", ".join(f"{each.address} ({each.cluster})" for each in instances)
        lines.append(f"Last known on this machine, list of {moment(saved)}: {there}.")
    return " ".join(lines)


def _meta(psm: str, idl: Path, service: str) -> str:
    """The description of a service that does not describe itself."""
    from pie.rpc import describe
    from pie.tool.registry.idl import IdlProblem, service_of_file

    try:
        meta = describe(service_of_file(idl, service), psm, ())
    except IdlProblem as error:
        raise click.ClickException(str(error)) from None
    import msgspec

    return encode(msgspec.structs.replace(meta, language="", framework="", framework_version=""))


def _warn_if_deaf(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError as error:
        text = f"note: nothing accepts connections at {host}:{port} from here now ({error})"
        echo(paint(text, WARN))


if __name__ == "__main__":
    sys.exit(sd())
