"""The ``pie`` command."""

import sys

import click

import pie
from pie.tool.terminal.lazy import LazyGroup

_COMMANDS = {
    "init": ("pie.tool.workspace.command:init", "Make a workspace, where services are written."),
    "update": ("pie.tool.workspace.command:update", "Renew a workspace and its repositories."),
    "serve": ("pie.tool.serve.command:serve", "Run an application without a bootstrap.py."),
    "up": ("pie.tool.up.command:up", "Start platform and agent of this workspace."),
    "down": ("pie.tool.up.command:down", "Stop what `pie up` started."),
    "status": ("pie.tool.up.status:status", "Show what runs here."),
    "platform": (
        "pie.tool.up.platform:platform",
        "Run the platform: registry, facts and pages.",
    ),
    "state": ("pie.tool.state.command:state", "The store of desired state: how it is, copies."),
    "sd": ("pie.tool.registry.command:sd", "Look up, list and register services."),
    "call": ("pie.tool.call.command:call", "Call a method of a service from the shell."),
    "agent": ("pie.tool.up.agent:agent", "Ship what services log to the platform."),
    "ls": ("pie.tool.ls.command:ls", "List the services with their traffic."),
    "psm": ("pie.tool.psm.command:psm", "Show who owns what, and claim what nobody owns."),
    "changes": ("pie.tool.changes.command:changes", "Show what was changed, by whom, why."),
    "config": (
        "pie.tool.config.command:config",
        "Read, publish and roll back the dynamic configuration of services.",
    ),
    "degrade": (
        "pie.tool.degrade.command:degrade",
        "Show what is switched off, and switch parts of services off and on.",
    ),
    "people": ("pie.tool.people.command:people", "Who may use the platform, and their tokens."),
    "login": ("pie.tool.login.command:login", "Log in to a platform with a token of yours."),
    "logout": ("pie.tool.login.command:logout", "Forget the token of `pie login`."),
    "whoami": ("pie.tool.login.command:whoami", "Show who you are for the platform."),
    "rules": ("pie.tool.rules.command:rules", "Show and change the rules of services."),
    "drain": ("pie.tool.rules.drain:drain", "Let no calls go to a host or an instance."),
    "logs": ("pie.tool.logs.command:logs", "Search and follow the logs."),
    "chain": ("pie.tool.chain.command:chain", "Show one call chain as a tree."),
    "debug": ("pie.tool.debug.command:debug", "Look into a running process."),
}
_SECTIONS = {
    "On this machine": (
        "init",
        "update",
        "serve",
        "up",
        "down",
        "status",
        "platform",
        "state",
        "agent",
    ),
    "Who you are": ("login", "logout", "whoami", "people"),
    "See the fleet": ("ls", "sd", "psm", "changes", "logs", "chain"),
    "Steer the fleet": ("rules", "config", "degrade", "drain"),
    "Try and mend a service": ("call", "debug"),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    sections=_SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(pie.__version__, prog_name="pie")
def main() -> None:
    """Pie: run a fleet of Python services and see it.

    \b
    pie up             platform and agent of this workspace, until Ctrl-C
    pie ls             who is there and how they do
    pie logs -f        what they say
    pie chain LOGID    what one request did

    `pie COMMAND -h` explains each. docs/commands.md shows what they print.
    """


if __name__ == "__main__":
    sys.exit(main(prog_name="pie"))
