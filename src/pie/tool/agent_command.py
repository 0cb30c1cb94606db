"""``pie agent``: ships the log directory to the platform."""

import logging
import os
from pathlib import Path

import click

from pie.agent import AgentError, AgentOptions, AgentStatus, read_status, run_agent
from pie.tool.defaults import PLATFORM_URL


@click.command()
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=["PIE_LOG_ROOT", "RUNTIME_ROOT"],
    default=Path(),
    help="Log root to watch: $PIE_LOG_ROOT, $RUNTIME_ROOT or the current folder.",
)
@click.option(
    "--platform",
    "url",
    envvar="PIE_PLATFORM",
    default=PLATFORM_URL,
    show_default=True,
    help="Address of the platform.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PIE_TOKEN_FILE",
    default=Path("platform/service.token"),
    show_default=True,
    help="File with the service token; $PIE_TOKEN wins.",
)
@click.option("--status", is_flag=True, help="Show how far the agent of this root is, and exit.")
def agent(root: Path, url: str, token_file: Path, status: bool) -> None:
    """Ship what services write to their log folders to the platform."""
    options = AgentOptions()
    if status:
        found = read_status(options.directory or root / ".pie-agent")
        if found is None:
            raise click.ClickException(f"no agent has run on {root.resolve()} yet")
        click.echo(_summary(found))
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        run_agent(root, url, lambda: _token(token_file), options)
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


def _token(file: Path) -> str:
    token = os.environ.get("PIE_TOKEN", "")
    if not token and file.is_file():
        token = file.read_text().strip()
    return token
