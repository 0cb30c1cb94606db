"""The ``pietool`` command: code for HTTP services, Thrift services and their callers."""

import sys
from pathlib import Path

import click

import pie
from pie.tool.files.plan import Plan, write_files
from pie.tool.generate.code import plan_clients_only
from pie.tool.generate.idl import read_idl
from pie.tool.generate.job import Job, Options
from pie.tool.terminal.clean import CleanMain
from pie.tool.terminal.location import workspace_root
from pie.tool.terminal.words import DOCUMENTATION, word

KINDS = ("flask", "django", "thriftserver", "thriftclient")


class _Greeting(CleanMain, click.Command):
    """Greets before anything can go wrong."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not {"-h", "--help", "--version"} & set(args):
            click.echo(word("welcome", documentation=DOCUMENTATION))
        return super().parse_args(ctx, args)


@click.command(
    cls=_Greeting,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(pie.__version__, prog_name="pietool")
@click.option("--type", "kind", type=click.Choice(KINDS), required=True, help="What to generate.")
@click.option("--psm", help="Name of the service: product.subsystem.module.")
@click.option("--prefix", help="Where it goes: my/api is app/my/api of the workspace.")
@click.option("--idl", help="Thrift types only: an IDL file, looked for in lib/idl first.")
@click.option(
    "-I",
    "--include",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Thrift types only: a folder to look for included IDL files in, after lib/idl. May be "
    "given several times.",
)
@click.option("--service", "chosen", help="Which service of the IDL, when it has several.")
@click.option(
    "--target", help="thriftclient only: PSM, or name in the registry, of whom the client calls."
)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="The workspace, or any folder used as one. By default $RUNTIME_ROOT, else the nearest "
    "folder upwards with runtime/workspace.yml.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="thriftclient only, instead of --prefix: writes pyrpc/ into this folder and nothing else; "
    "needs no workspace.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--diff", is_flag=True, help="Show what would change, and do nothing.")
def main(
    kind: str,
    psm: str | None,
    prefix: str | None,
    idl: str | None,
    include: tuple[Path, ...],
    chosen: str | None,
    target: str | None,
    root: Path | None,
    output: Path | None,
    dry_run: bool,
    diff: bool,
) -> None:
    """Generate the code of a service, or of a program that calls services.

    \b
    An HTTP service on Flask or Django:
      pietool --type flask  --psm toutiao.my.api  --prefix my/api
      pietool --type django --psm toutiao.my.site --prefix my/site
          app/my/api/bootstrap.py      starts it: python app/my/api/bootstrap.py
          app/my/api/settings.py       name, port, DEBUG
          app/my/api/views.py          yours: what it answers
          conf/app/uwsgi_<psm>.xml     to run it under uWSGI
          conf/app/service-<psm>.yml   its rules and configuration; to deploy it

    \b
    A Thrift service; its IDL is in lib/idl:
      pietool --type thriftserver --psm toutiao.my.server --prefix my/server --idl demo2.thrift
          app/my/server/handler.py     yours: every method of the service
          app/my/server/pyrpc/         generated: structs, and the service's client
          conf/rpc/services/DemoService.yml   how this workspace's programs reach it

    \b
    The client of a Thrift service, beside the bootstrap.py of whoever calls it, or as a new
    script with a bootstrap.py and a test.py of its own:
      pietool --type thriftclient --prefix my/test --idl demo_test.thrift
      pietool --type thriftclient --prefix my/api  --idl article.thrift --target toutiao.x.y

    \b
    Repeat a command at any time, for example after a change to the IDL. What is generated (pyrpc)
    is renewed; what you edited is kept, and named; what nobody edited follows the templates.

    \b
    Documentation: docs/pietool.md
    """
    for option, value in (("--idl", idl), ("--include", include or None), ("--service", chosen)):
        if value is not None and not kind.startswith("thrift"):
            raise click.UsageError(f"{option} is for thriftserver and thriftclient, not for {kind}")
    for option, given in (("--target", target), ("--output", output)):
        if given is not None and kind != "thriftclient":
            raise click.UsageError(f"{option} is for thriftclient, not for {kind}")
    if idl is None and kind.startswith("thrift"):
        raise click.UsageError(f"--type {kind} needs --idl, e.g. --idl demo2.thrift")
    if output is not None:
        if prefix is not None:
            raise click.UsageError("--output stands instead of --prefix: give one of them")
        base = root.resolve() if root is not None else workspace_root() or Path.cwd()
        read = read_idl(base, idl or "", include)
        _only_clients(plan_clients_only(output.resolve(), read), dry_run=dry_run, diff=diff)
        return
    if prefix is None:
        raise click.UsageError("--prefix is needed, e.g. --prefix my/api")
    options = Options(
        kind=kind,
        root=_root(root),
        prefix=prefix,
        psm=psm or "",
        idl=idl or "",
        include=include,
        service=chosen or "",
        target=target or "",
    )
    job = Job(options)
    job.plan()
    if diff:
        click.echo(job.diff(), nl=False)
        click.echo(word("diffed"))
        return
    if not dry_run:
        job.write()
    job.say()
    click.echo(word("dry") if dry_run else word("done"))
    job.say_next()


def _root(given: Path | None) -> Path:
    """The workspace.

    Raises:
        click.ClickException: there is none around.
    """
    if given is not None:
        if not given.is_dir():
            raise click.ClickException(f"--root {given} is no folder")
        return given.resolve()
    root = workspace_root()
    if root is None:
        raise click.ClickException(
            f"{Path.cwd()} is in no workspace: make one with `pie init DIR` and go there, "
            "or give --root DIR"
        )
    return root


def _only_clients(plan: Plan, *, dry_run: bool, diff: bool) -> None:
    """Clients for a program that lives in no workspace."""
    click.echo(word("client code", path=plan.root / "pyrpc"))
    if diff:
        click.echo(plan.diff(), nl=False)
    steps = [step for step in plan.steps if step.action.writes]
    if not (diff or dry_run):
        write_files(plan.root, steps)
    for step in steps:
        click.echo(f"  {word(step.action.value)}  {step.path}")
    click.echo(word("diffed") if diff else word("dry") if dry_run else word("done"))


if __name__ == "__main__":
    sys.exit(main(prog_name="pietool"))
