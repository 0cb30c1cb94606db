"""The ``pie`` command."""

import sys

import click

import pie
from pie.tool.lazy import LazyGroup

_COMMANDS = {
    "init": ("pie.tool.workspace.command:init", "Make a workspace, where services are written."),
    "update": ("pie.tool.workspace.command:update", "Renew a workspace and its repositories."),
    "platform": (
        "pie.tool.platform_command:platform",
        "Run the platform: registry, facts and pages.",
    ),
    "sd": ("pie.tool.sd:sd", "Look up, list and register services."),
    "call": ("pie.tool.call:call", "Call a method of a service from the shell."),
    "agent": ("pie.tool.agent_command:agent", "Ship what services log to the platform."),
}


@click.group(
    cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(pie.__version__, prog_name="pie")
def main() -> None:
    """Pie: run a fleet of Python services and see it."""


if __name__ == "__main__":
    sys.exit(main(prog_name="pie"))
