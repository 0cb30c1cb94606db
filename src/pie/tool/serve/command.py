"""``pie serve``: run an application that has no ``bootstrap.py``."""

from pathlib import Path

import click

from pie.serve.launch import Launch
from pie.serve.run import run_django, run_flask, run_thrift
from pie.tool.terminal.clean import own_streams

_AS_GIVEN = {"ignore_unknown_options": True, "help_option_names": []}
_HELP = (["-h"], ["--help"])


class _Serve(click.Command):
    """A command whose options after the application are the service's, ``--help`` among them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] in _HELP:
            click.echo(self.get_help(ctx))
            ctx.exit()
        return super().parse_args(ctx, args)


@click.group()
def serve() -> None:
    """Run an application of the current folder as a service, without a bootstrap.py.

    Its settings stand in pie.toml, there or in a folder above, in PIE_... variables of the
    environment, or are given as options; --help after the application lists them.

    \b
    pie serve flask flaskr:app --port 7701
    pie serve flask "flaskr:create_app('prod')"
    pie serve django mysite.settings
    pie serve thrift pyrpc.demo:DemoService handler:Handler
    """


@serve.command(cls=_Serve, context_settings=_AS_GIVEN)
@click.argument("app")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def flask(app: str, options: tuple[str, ...]) -> None:
    """Serve a Flask application: module:name, module:factory or module:factory('argument')."""
    run_flask(app, _launch(f"flask {app}", options))


@serve.command(cls=_Serve, context_settings=_AS_GIVEN)
@click.argument("project")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def django(project: str, options: tuple[str, ...]) -> None:
    """Serve a Django project, named by its settings module."""
    run_django(project, _launch(f"django {project}", options))


@serve.command(cls=_Serve, context_settings=_AS_GIVEN)
@click.argument("service")
@click.argument("handler")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def thrift(service: str, handler: str, options: tuple[str, ...]) -> None:
    """Serve a Thrift service: the generated class and the handler, each as module:name."""
    run_thrift(service, handler, _launch(f"thrift {service} {handler}", options))


def _launch(what: str, options: tuple[str, ...]) -> Launch:
    own_streams()
    return Launch(None, Path.cwd(), f"pie serve {what}", options)
