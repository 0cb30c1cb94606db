"""``pie status``: what runs in this workspace."""

import contextlib
import os
import time
from pathlib import Path

import click

from pie.agent import AgentStatus, read_status
from pie.serve.up_state import read_up
from pie.tool.terminal.api import Api, ApiError, Token
from pie.tool.terminal.location import find_workspace
from pie.tool.terminal.table import BAD, DIM, GOOD, WARN, Style, echo, paint
from pie.tool.terminal.text import ago


@click.command()
def status() -> None:
    """Show what runs in this workspace: `pie up`, the platform, the agent. Ends with 1 if either is
    away."""
    workspace = find_workspace()
    state = read_up(workspace.root)
    if state is None:
        _row("pie up", DIM, "does not run", f"in {workspace.root}")
    else:
        since = f"process {state.pid}, started {ago(state.started)}, in {state.root}"
        _row("pie up", GOOD, "runs" if state.ready else "starts", since)
        for name, pid in state.children.items():
            if name not in ("platform", "agent"):
                _row(name, GOOD, "runs", f"process {pid}")
    url = workspace.platform
    fine = _platform_status(Api(url, Token(None, workspace, os.environ, url), workspace))
    log_root = Path(state.log_root) if state else workspace.log_root
    fine &= _agent_status(read_status(log_root / ".pie-agent"), log_root)
    if not fine:
        raise click.exceptions.Exit(1)


def _platform_status(api: Api) -> bool:
    try:
        health = api.get("/api/health", anonymous=True)
    except ApiError as error:
        _row("platform", BAD, "away", error.message)
        return False
    whole = bool(health["status"] == "ok")
    facts = bool(health["facts"] == "up")
    trouble = "" if facts else "; its store of facts is away and is started again by itself"
    if not whole or health.get("facts_notes"):
        with contextlib.suppress(ApiError):  # The reasons are for those who have a token.
            health = api.get("/api/health")
        reasons = [health.get("facts_trouble", ""), *health.get("facts_notes", [])]
        state = health.get("state") or {}
        if state.get("trouble"):
            reasons.append(f"the state store cannot be written: {state['trouble']}")
        reasons += state.get("notes", [])
        trouble += "".join(f"; {reason}" for reason in reasons if reason)
    _row(
        "platform",
        GOOD if whole else WARN,
        "runs" if whole else "degraded",
        f"version {health['version']} on {api.url}{trouble}",
    )
    return whole


def _agent_status(found: AgentStatus | None, log_root: Path) -> bool:
    if found is None:
        _row("agent", BAD, "away", f"none has run on {log_root} yet")
        return False
    # A killed agent cannot say that it stopped; a living one speaks every two seconds.
    running = found.running and time.time() - found.time < 30
    if not running:
        _row("agent", BAD, "away", f"last seen {ago(found.time)} on {log_root}")
        return False
    shipping = found.platform == "up"
    behind = (
        f"{found.bytes_behind:,} bytes and {found.seconds_behind:.0f} s behind"
        if found.bytes_behind
        else "level with every file"
    )
    trouble = "" if shipping else f"; the platform: {found.platform_reason or found.platform}"
    waiting = found.platform == "unknown" and not found.bytes_behind
    _row(
        "agent",
        GOOD if shipping or waiting else WARN,
        "runs",
        f"process {found.pid} on {found.root}, {behind}{'' if waiting else trouble}",
    )
    return shipping or waiting


def _row(name: str, style: Style, state: str, rest: str) -> None:
    echo(f"{paint('●', style)} {name:<9} {paint(f'{state:<9}', style)} {rest}")
