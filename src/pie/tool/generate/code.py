"""The files of each type of pietool."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from pie.thrift import IdlError, generate
from pie.thrift.generate.names import definition_name, module_names
from pie.thrift.idl.ast import ServiceDef
from pie.tool.files.manifest import Manifest, Module
from pie.tool.files.plan import Plan
from pie.tool.files.templates import render
from pie.tool.generate.idl import Idl
from pie.tool.generate.names import checked_psm
from pie.tool.generate.stubs import ExampleSource, HandlerSource
from pie.tool.terminal.words import word

RPC_FOLDER = "conf/rpc/services"
DJANGO_PROJECT = "project"
"""Not ``site``: that name is a standard module."""

PORT = 7701
THREADS = 64
_SECRET = re.compile(r'^SECRET_KEY = "([^"\\]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Prefix:
    """The folder ``app/<prefix>`` of a workspace, and the PSM of what is in it."""

    root: Path
    prefix: str
    psm: str
    kind: str

    @property
    def folder(self) -> str:
        return f"app/{self.prefix}"

    @property
    def uwsgi_file(self) -> str:
        return f"conf/app/uwsgi_{self.psm}.xml"

    @property
    def service_file(self) -> str:
        return f"conf/app/service-{self.psm}.yml"

    def values(self) -> dict[str, object]:
        """The values that every template may use."""
        return {
            "psm": self.psm,
            "prefix": self.prefix,
            "kind": self.kind,
            "product": self.psm.partition(".")[0],
            "port": PORT,
            "threads": THREADS,
            "idle": 600.0 if self.kind == "thriftserver" else 75.0,
        }


def plan_flask(plan: Plan, layout: Prefix) -> None:
    """A Flask service."""
    _plan(plan, layout, "flask/bootstrap.py", "settings.py", "flask/views.py")
    _plan_http(plan, layout)


def plan_django(plan: Plan, layout: Prefix) -> None:
    """A Django service: a small project of the usual form."""
    settings = plan.root / layout.folder / DJANGO_PROJECT / "settings.py"
    old = _SECRET.search(settings.read_text("utf-8")) if settings.is_file() else None
    values = {
        "project": DJANGO_PROJECT,
        "secret_key": old[1] if old else secrets.token_urlsafe(48),
    }
    names = ["bootstrap.py", "manage.py", "views.py"]
    names += [f"project/{name}.py" for name in ("__init__", "settings", "urls")]
    _plan(plan, layout, "settings.py")
    for name in names:
        target = name.replace("project/", f"{DJANGO_PROJECT}/")
        text = render(f"django/{name}", **layout.values(), **values)
        plan.template(f"{layout.folder}/{target}", text)
    _plan_http(plan, layout)


def plan_thrift_server(plan: Plan, layout: Prefix, idl: Idl, service: ServiceDef) -> HandlerSource:
    """A Thrift service with its own client; returns the source of its handler."""
    handler = HandlerSource(idl, service)
    module = ".".join(module_names(idl.program)[idl.program.root])
    values = {
        "module": module,
        "service": definition_name(service.name),
        "doc": service.doc,
        "imports": handler.imports,
        "methods": list(handler.methods.values()),
    }
    for name in ("bootstrap.py", "handler.py"):
        text = render(f"thrift/{name}", **layout.values(), **values)
        plan.template(f"{layout.folder}/{name}", text)
    _plan(plan, layout, "settings.py")
    plan_pyrpc(plan, layout.folder, idl)
    plan.template(layout.service_file, render("conf/service.yml", **layout.values()))
    plan_rpc(plan, service, layout.psm)
    return handler


def plan_script(plan: Plan, layout: Prefix, idl: Idl, services: tuple[ServiceDef, ...]) -> None:
    """The files of a script that calls services, besides its clients."""
    _plan(plan, layout, "script/bootstrap.py", "settings.py")
    example = ExampleSource(idl, services)
    values = {"imports": example.imports, "calls": example.calls, "folder": layout.folder}
    plan.template(f"{layout.folder}/test.py", render("script/test.py", **layout.values(), **values))


def plan_pyrpc(plan: Plan, folder: str, idl: Idl) -> None:
    """The modules of an IDL in ``pyrpc``; modules that no IDL needs are removed.

    Raises:
        click.ClickException: two IDL files would be one module, or a person's file is in the way.
    """
    try:
        files = generate(idl.program)
    except IdlError as error:
        raise click.ClickException(str(error)) from None
    modules = plan.manifest.pyrpc
    sources = {
        "/".join(parts) + ".py": _relative(idl.files[path], plan.root)
        for path, parts in module_names(idl.program).items()
    }
    for name, source in sources.items():
        known = modules.get(name)
        others = [other for other in known.wanted_by if other != idl.name] if known else []
        if known and known.source != source and others:
            raise click.ClickException(
                f"{folder}/pyrpc/{name} stands for {known.source}, which {others[0]} needs, "
                f"and {idl.name} needs {source}: rename one of the two IDL files"
            )
        modules[name] = Module(source=source, wanted_by=sorted({*others, idl.name}))
    for name, text in files.items():
        plan.generated(f"{folder}/pyrpc/{name}", text)
    for name, known in list(modules.items()):
        if name not in sources and idl.name in known.wanted_by:
            known.wanted_by.remove(idl.name)
            if not known.wanted_by:
                del modules[name]
                plan.remove(f"{folder}/pyrpc/{name}")


def plan_rpc(plan: Plan, service: ServiceDef, target: str) -> str:
    """The file that names a service's address for this workspace's programs: written once.

    Returns:
        The name of the callee as the file will have it; empty if somebody must still say it.
    """
    path = f"{RPC_FOLDER}/{service.name}.yml"
    existing = _callee(plan.root / path)
    text = render("conf/rpc.yml", service=service.name, target=existing or target)
    blank = render("conf/rpc.yml", service=service.name, target="")
    step = plan.template(path, text, placeholder=blank)
    if target and existing not in ("", target):
        step.note = word("names", existing=existing, target=target)
    return existing or target


def annotated_psm(service: ServiceDef) -> str:
    """The PSM that an IDL gives a service: ``service X { … } (psm = "a.b.c")``; empty if none.

    Raises:
        click.ClickException: it is no PSM.
    """
    psm = service.annotations.get("psm", "")
    return checked_psm(psm, f"{service.position}: psm of {service.name}") if psm else ""


def plan_clients_only(folder: Path, idl: Idl) -> Plan:
    """``pyrpc`` in a folder that belongs to no workspace: without a manifest."""
    plan = Plan(folder, Manifest())
    try:
        files = generate(idl.program)
    except IdlError as error:
        raise click.ClickException(str(error)) from None
    for name, text in files.items():
        plan.generated(f"pyrpc/{name}", text)
    return plan


def _plan(plan: Plan, layout: Prefix, *names: str) -> None:
    """Templates into the prefix, under their own names."""
    for name in names:
        text = render(name, **layout.values())
        plan.template(f"{layout.folder}/{name.rpartition('/')[2]}", text)


def _plan_http(plan: Plan, layout: Prefix) -> None:
    plan.template(layout.uwsgi_file, render("conf/uwsgi.xml", **layout.values()))
    plan.template(layout.service_file, render("conf/service.yml", **layout.values()))


def _callee(path: Path) -> str:
    """The PSM that an existing file names; empty if it names none or is missing."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None
    psm = content.get("psm") if isinstance(content, dict) else None
    return psm if isinstance(psm, str) else ""


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
