"""``pie agent``: ships the log directory to the platform."""

import logging
from pathlib import Path

import click
import msgspec

from pie.agent import AgentError, AgentOptions, AgentStatus, read_status, run_agent
from pie.tool.terminal.location import find_workspace


@click.command()
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Log root to watch: by default $PIE_LOG_ROOT, or the workspace around this folder.",
)
@click.option(
    "--platform",
    "url",
    help="Address of the platform: by default $PIE_PLATFORM, or what the workspace says.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the service token: by default $PIE_TOKEN_FILE, or the one of the platform "
    "in this workspace; $PIE_TOKEN wins.",
)
@click.option("--status", is_flag=True, help="Show how far the agent of this root is, and exit.")
def agent(root: Path | None, url: str | None, token_file: Path | None, status: bool) -> None:
    """Ship what services write to their log folders to the platform."""
    options = AgentOptions()
    workspace = find_workspace()
    root = root or workspace.log_root
    if token_file is not None:
        workspace = msgspec.structs.replace(workspace, token_file=token_file)
    if status:
        found = read_status(options.directory or root / ".pie-agent")
        if found is None:
            raise click.ClickException(f"no agent has run on {root.resolve()} yet")
        click.echo(_summary(found))
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        run_agent(root, url or workspace.platform, workspace.token, options)
    except AgentError as error:
        raise click.ClickException(str(error)) from None


def _summary(status: AgentStatus) -> str:
    lines = [
        f"agent {status.pid} on {status.root}: {'running' if status.running else 'stopped'}",
        f"platform {status.url}: {status.platform} {status.platform_reason}".rstrip(),
        f"behind: {status.bytes_behind} bytes, {status.seconds_behind:.1f} s "
        f"in {status.files} files",
    ]
    lines += [
        f"{name}: {table.shipped} shipped, {table.duplicates} of them known before, "
        f"{table.rejected} rejected, {table.bad_lines} unreadable, {table.retries} retries"
        for name, table in sorted(status.tables.items())
    ]
    return "\n".join(lines)
