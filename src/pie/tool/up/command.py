"""``pie up`` and ``pie down``: platform and agent of a workspace on this machine."""

import contextlib
import getpass
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import click

from pie.serve.up_state import AlreadyUpError, UpState, hold, read_up
from pie.serve.workspace import MARKER, PLATFORM_PORT, Workspace
from pie.tool.terminal.location import find_workspace, workspace_root
from pie.tool.terminal.table import BOLD, paint
from pie.tool.terminal.text import ago
from pie.tool.up.run import Plan, Up, UpError

_DOWN_S = 90.0
_HERE = ("localhost", "0.0.0.0", "")


@click.command()
@click.argument("services", metavar="[PREFIX]...", nargs=-1)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("platform"),
    show_default=True,
    help="Where the platform keeps everything, under the root.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the platform, 0 for any: else the workspace's, else {PLATFORM_PORT}.",
)
@click.option(
    "--state",
    envvar="PIE_STATE",
    metavar="embedded|etcd://HOST:PORT,...",
    help="Where desired state is: by default in the directory [env: PIE_STATE].",
)
@click.option("--detach", "-d", is_flag=True, help="Go on in the background; `pie down` ends it.")
def up(
    services: tuple[str, ...], directory: Path, port: int | None, state: str | None, detach: bool
) -> None:
    """Start the platform and the agent of this workspace, and keep them running.

    The workspace is $RUNTIME_ROOT, or the one around the current folder, or the folder of its
    pie.toml. With PREFIXes, the services in app/PREFIX are started too. What dies is started
    again. Ctrl-C stops all in order; a second one at once.

    \b
    pie up                     platform and agent
    pie up my/api my/server    and two services
    pie up --detach            in the background, until `pie down`
    """
    workspace = _chosen_workspace()
    root = workspace.root
    files = dict(_service(root, each) for each in services)
    directory = root / directory
    if state:
        os.environ["PIE_STATE"] = state  # Not an argument of a child: it may have a password.
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if detach:
            _detach(workspace, directory, port, services)
            return
        with hold(root) as write:
            plan = Plan(
                root,
                workspace.log_root,
                directory,
                port or (_free_port() if port == 0 else _port_of(workspace)),
                files,
            )
            _say(f"pie up: {paint(str(root), BOLD)}")
            Up(plan, write, _say).run(lambda: _tell_ready(plan))
    except AlreadyUpError as error:
        raise click.ClickException(_already(root, error.state)) from None
    except UpError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error}") from None


@click.command()
@click.option("--now", is_flag=True, help="Do not wait for what is in flight.")
def down(now: bool) -> None:
    """Stop what `pie up` started in this workspace, in order."""
    root = find_workspace().root
    state = read_up(root)
    if state is None:
        raise click.ClickException(f"no `pie up` runs in {root}; `pie status` shows what does")
    _say(f"stopping {', '.join(reversed(state.children))} of {root} ...", more=True)
    give_up = time.monotonic() + _DOWN_S
    try:
        os.kill(state.pid, signal.SIGTERM)
        while (still := read_up(root)) is not None and still.pid == state.pid:
            if time.monotonic() > give_up:
                _say("")
                raise click.ClickException(
                    f"process {state.pid} does not end; `pie down --now` kills what it runs"
                )
            time.sleep(0.1)
            if now:
                os.kill(state.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # ended between two looks
    except PermissionError:
        _say("")
        raise click.ClickException(f"process {state.pid} is another user's") from None
    _say(" stopped")


def _chosen_workspace() -> Workspace:
    """The workspace; never a folder that nobody named: its files would be shipped."""
    workspace = find_workspace()
    if workspace_root() is None and workspace.project.path is None:
        raise click.ClickException(
            f"{workspace.root} is in no workspace: `pie init .` makes it one, `pie init DIR` makes "
            "another; or set RUNTIME_ROOT to a folder to use it as it is"
        )
    return workspace


def _detach(
    workspace: Workspace, directory: Path, port: int | None, services: tuple[str, ...]
) -> None:
    """The same command in a session of its own; its words are passed on until it is ready."""
    running = read_up(workspace.root)
    if running is not None:
        raise AlreadyUpError(running)
    out = directory / "up.out"
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pie.tool.pie", "up", "--directory", str(directory)),
                *([] if port is None else ["--port", str(port)]),
                *services,
            ],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    with out.open("rb") as words:
        while True:
            code = process.poll()
            state = read_up(workspace.root)
            _say(words.read().decode("utf-8", "replace"), more=True)
            if code is not None:
                raise click.exceptions.Exit(code or 1)
            if state is not None and state.pid == process.pid and state.ready:
                _say(f"  It goes on in the background; its words are in {out}. `pie down` ends it.")
                return
            time.sleep(0.1)


def _tell_ready(plan: Plan) -> None:
    token = (plan.directory / "admin.token").read_text().strip()
    link = urllib.parse.urlencode({"token": token, "user": _user()})
    _say(
        f"""
  {paint("Log in", BOLD)}   {plan.url}/login?{link}
  {paint("Logs", BOLD)}     {plan.log_root}/<product>/log; `pie logs -f` follows them
  {paint("Output", BOLD)}   {plan.directory}/*.out
"""
    )


def _already(root: Path, state: UpState | None) -> str:
    if state is None:
        return f"another `pie up` starts in {root} just now"
    return (
        f"`pie up` runs in {root} already: process {state.pid}, started {ago(state.started)}, "
        f"platform {state.url}. `pie status` shows how it is, `pie down` stops it"
    )


def _service(root: Path, given: str) -> tuple[str, Path]:
    """The name and the bootstrap.py of a service."""
    for base in (root / "app", root, Path.cwd()):
        found = base / given
        file = found if found.suffix == ".py" else found / "bootstrap.py"
        if file.is_file():
            folder = file.parent.resolve()
            top = root / "app" if folder.is_relative_to(root / "app") else root
            name = str(folder.relative_to(top)) if folder.is_relative_to(top) else folder.name
            return name, file.resolve()
    raise click.UsageError(
        f"no service {given!r}: there is no {Path('app', given, 'bootstrap.py')} in {root}; "
        "`pietool` makes one"
    )


def _port_of(workspace: Workspace) -> int:
    file = workspace.project.path if workspace.project.machine.get("platform") else None
    file = file or workspace.root / MARKER
    try:
        parts = urllib.parse.urlsplit(workspace.platform)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise click.ClickException(f"{file}: {workspace.platform!r} is not an address") from None
    if not _is_here(host):
        raise click.ClickException(
            f"{file} says that the platform is at {workspace.platform}, which is not "
            "this machine. To run one here all the same, give --port"
        )
    return port or PLATFORM_PORT


def _is_here(host: str) -> bool:
    if host in _HERE or host == socket.gethostname():
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""  # a container without a name for this user


def _say(text: str, *, more: bool = False) -> None:
    # The terminal may be gone: the work goes on until its order is done.
    with contextlib.suppress(OSError):
        click.echo(text, nl=not more)
