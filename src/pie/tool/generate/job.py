"""One run of ``pietool`` in a workspace: checked, planned, written, reported."""

from dataclasses import dataclass
from pathlib import Path

import click

from pie.serve.workspace import MARKER
from pie.thrift.idl.ast import ServiceDef
from pie.tool.files.manifest import Manifest
from pie.tool.files.plan import Action, Plan
from pie.tool.generate.code import (
    RPC_FOLDER,
    Prefix,
    annotated_psm,
    plan_django,
    plan_flask,
    plan_pyrpc,
    plan_rpc,
    plan_script,
    plan_thrift_server,
)
from pie.tool.generate.idl import Idl, read_idl
from pie.tool.generate.names import (
    MANIFEST,
    check_free,
    checked_prefix,
    checked_psm,
    default_psm,
    hidden_modules,
    psm_of,
)
from pie.tool.generate.stubs import HandlerSource
from pie.tool.terminal.table import pad, width
from pie.tool.terminal.words import tick, word
from pie.tool.workspace.layout import read_config

_LONGEST_SOCKET = 103
"""Bytes of a unix socket's path: 107 on Linux, 103 on macOS."""


@dataclass(frozen=True)
class Options:
    """The command's options; empty = not given."""

    kind: str
    root: Path
    prefix: str
    psm: str
    idl: str
    include: tuple[Path, ...]
    service: str
    target: str


class Job:
    """One type, one prefix.

    Raises:
        click.ClickException: the prefix is no prefix.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._root = options.root
        self._prefix = checked_prefix(options.prefix)
        self._folder = f"app/{self._prefix}"
        self._manifest_path = f"{self._folder}/{MANIFEST}"
        self._manifest = Manifest.load(self._root / self._manifest_path)
        self._plan = Plan(self._root, self._manifest)
        self._layout = Prefix(self._root, self._prefix, "", options.kind)
        self._idl: Idl | None = None
        self._services: tuple[ServiceDef, ...] = ()
        self._notes: list[str] = []
        self._run = ""

    def plan(self) -> None:
        """Decide which files are written.

        Raises:
            click.ClickException: an option is wrong.
        """
        options = self._options
        psm = checked_psm(options.psm) if options.psm else ""
        if options.kind != "thriftclient" and not psm:
            raise click.UsageError(
                f"--type {options.kind} needs --psm product.subsystem.module, e.g. "
                f"--psm toutiao.{'.'.join(self._prefix.split('/')[:2])}"
            )
        check_free(self._root, self._prefix, options.kind, psm, self._manifest)
        if options.kind == "thriftclient":
            self._plan_client(psm)
        else:
            self._layout = Prefix(self._root, self._prefix, psm, options.kind)
            self._manifest.type, self._manifest.psm = options.kind, psm
            if options.kind == "flask":
                plan_flask(self._plan, self._layout)
            elif options.kind == "django":
                plan_django(self._plan, self._layout)
            else:
                self._plan_server()
            self._run = f"python {self._folder}/bootstrap.py"
            self._say_old_names()

    def write(self) -> None:
        """Write the planned files.

        Raises:
            click.ClickException: a file cannot be written; then none was.
        """
        self._plan.write(self._manifest_path)

    def diff(self) -> str:
        """What would change."""
        return self._plan.diff()

    def say(self) -> None:
        """Print each file and its action."""
        layout, kind = self._layout, self._options.kind
        if kind in ("flask", "django"):
            click.echo(word("app", path=self._root / self._folder))
            click.echo(word("uwsgi", path=self._root / layout.uwsgi_file))
        elif kind == "thriftserver":
            click.echo(self._prefix)
            click.echo(word("start"))
            click.echo(word("server code", path=self._root / self._folder))
        if self._idl is not None:
            click.echo(word("client code", path=self._root / self._folder / "pyrpc"))
            for service in self._services:
                click.echo(f"namespace:{self._idl.namespace}, service:{service.name}")
        if kind != "thriftclient":
            click.echo(word("service", path=self._root / layout.service_file))
        for service in self._services:
            click.echo(word("rpc", path=self._root / RPC_FOLDER / f"{service.name}.yml"))
        names = {action: word(action.value) for action in Action}
        room = max(map(width, names.values()))
        for step in self._plan.steps:
            mark = "-" if step.action is Action.KEPT else tick()
            name = names[step.action]
            note = f"  ({step.note})" if step.note else ""
            click.echo(f"  {mark} {pad(name, room)}  {step.path}{note}")

    def say_next(self) -> None:
        """Print the notes and the next command."""
        for name in hidden_modules(self._root / self._folder):
            self._notes.append(word("hides", path=f"{self._folder}/{name}.py", name=name))
        if self._options.kind in ("flask", "django"):
            self._say_long_socket()
        for note in self._notes:
            click.echo(note)
        if self._run:
            click.echo(word("run", command=self._run))

    def _plan_server(self) -> None:
        options = self._options
        idl = self._idl = read_idl(self._root, options.idl, options.include)
        known = self._manifest
        service = idl.service(options.service or (known.service if known.idl == idl.name else ""))
        if known.service and (known.idl, known.service) != (idl.name, service.name):
            raise click.ClickException(
                f"--prefix {self._prefix} is in use: {self._folder} serves {known.service} of "
                f"{known.idl}, not {service.name} of {idl.name}; choose another prefix"
            )
        known.idl, known.service = idl.name, service.name
        self._services = (service,)
        handler = plan_thrift_server(self._plan, self._layout, idl, service)
        self._say_missing(handler)
        annotated = annotated_psm(service)
        if annotated and annotated != self._layout.psm:
            self._notes.append(
                word(
                    "annotated",
                    idl=idl.name,
                    service=service.name,
                    annotated=annotated,
                    psm=self._layout.psm,
                )
            )

    def _plan_client(self, psm: str) -> None:
        options = self._options
        idl = self._idl = read_idl(self._root, options.idl, options.include)
        self._services = (idl.service(options.service),) if options.service else idl.services
        target = checked_psm(options.target, "--target") if options.target else ""
        if options.target and len(self._services) > 1:
            names = ", ".join(service.name for service in self._services)
            raise click.ClickException(
                f"--target is one callee, but {idl.name} defines {names}: choose with --service"
            )
        if not self._services:
            self._notes.append(word("structs only", idl=idl.name))
        bootstrap = self._root / self._folder / "bootstrap.py"
        is_script = self._manifest.type == "thriftclient"
        if self._services and (is_script or not bootstrap.exists()):
            owner = psm_of(self._root / self._folder, self._manifest)
            psm = psm or owner or default_psm(self._product(), self._prefix)
            check_free(self._root, self._prefix, options.kind, psm, self._manifest)
            if not self._manifest.idl:
                self._manifest.type, self._manifest.psm = "thriftclient", psm
                self._manifest.idl = idl.name
            self._layout = Prefix(self._root, self._prefix, psm, options.kind)
            if self._manifest.idl == idl.name:
                plan_script(self._plan, self._layout, idl, self._services)
                self._run = f"python {self._folder}/test.py"
        plan_pyrpc(self._plan, self._folder, idl)
        for service in self._services:
            if not plan_rpc(self._plan, service, target or annotated_psm(service)):
                self._notes.append(
                    word("whom", service=service.name, path=f"{RPC_FOLDER}/{service.name}.yml")
                )

    def _product(self) -> str:
        return read_config(self._root).product if (self._root / MARKER).is_file() else ""

    def _say_old_names(self) -> None:
        """Note the files that were generated under an earlier PSM."""
        planned = {step.path for step in self._plan.steps}
        for path in [*self._manifest.files]:
            if path.startswith("conf/app/") and path not in planned:
                if (self._root / path).exists():
                    self._notes.append(word("old", path=path))
                else:
                    del self._manifest.files[path]

    def _say_long_socket(self) -> None:
        """uWSGI cannot open a unix socket whose path is longer than the system allows."""
        path = f"{self._root}/conf/app/../../runtime/run/{self._layout.psm}.sock"
        if len(path.encode()) > _LONGEST_SOCKET:
            self._notes.append(
                word(
                    "long socket", path=path, longest=_LONGEST_SOCKET, file=self._layout.uwsgi_file
                )
            )

    def _say_missing(self, handler: HandlerSource) -> None:
        """Methods of the IDL that an edited handler.py does not have yet."""
        path = f"{self._folder}/handler.py"
        kept = any(s.path == path and s.action is Action.KEPT for s in self._plan.steps)
        missing = handler.missing_from(self._root / path) if kept else []
        if missing:
            method = "methods" if len(missing) > 1 else "method"
            stubs = "\n\n".join("\n".join(handler.methods[name]) for name in missing)
            lacks = word("lacks", path=path, method=method, names=", ".join(missing))
            self._notes.append(f"{lacks}\n\n{stubs}\n")
