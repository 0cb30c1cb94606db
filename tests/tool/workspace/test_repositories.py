"""The repositories of a workspace: real git, no network."""

import http.server
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from pie.tool.workspace.repositories import environment

Run = Callable[..., Result]
AUTHOR = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]


@pytest.fixture(autouse=True)
def installed(program: Callable[[str, str], str]) -> None:
    program("git", "make system-deps")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"change {name}")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, "shop.thrift", "struct One {}\n")
    return folder


@pytest.fixture
def closed() -> Iterator[str]:
    """The address of a server that wants a password."""

    class Closed(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=closed")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Closed)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/team/secret.git"
    server.shutdown()
    thread.join()
    server.server_close()


def test_cloned_then_brought_forward(
    tmp_path: Path, origin: Path, pie_init: Run, pie_update: Run
) -> None:
    root = tmp_path / "toutiao"
    done = pie_init(root, "--repository", f"{origin}=lib/idl")
    assert done.exit_code == 0, done.output
    assert f"✓ cloned          lib/idl  {origin}" in done.output
    assert not (root / "lib/idl/demo2.thrift").exists(), "a sample in somebody's repository"
    assert "✓ up to date      lib/idl" in pie_update(root).output
    commit(origin, "shop.thrift", "struct Two {}\n")
    assert "✓ brought forward lib/idl" in pie_update(root).output
    assert (root / "lib/idl/shop.thrift").read_text() == "struct Two {}\n"


def test_one_without_access_is_skipped_and_named_and_had_later(
    tmp_path: Path, origin: Path, closed: str, pie_init: Run, pie_update: Run
) -> None:
    root, marker = tmp_path / "toutiao", tmp_path / "toutiao/runtime/workspace.yml"
    done = pie_init(root, "--repository", f"{closed}=lib/idl", "--repository", f"{origin}=lib/more")
    assert done.exit_code == 0, done.output
    assert f"- skipped         lib/idl  {closed}" in done.output
    assert f"\nSkipped:\n  lib/idl  {closed}: " in done.output
    assert "cloned          lib/more" in done.output
    assert (root / "lib/idl").is_dir()
    marker.write_text(marker.read_text().replace(closed, str(origin), 1))
    assert "cloned          lib/idl" in pie_update(root).output


def test_a_required_one_makes_it_fail_but_everything_else_is_made(
    workspace: Path, closed: str, pie_update: Run
) -> None:
    config = {
        "product": "toutiao",
        "repositories": [{"url": closed, "path": "conf/extra", "optional": False}],
    }
    (workspace / "runtime/workspace.yml").write_text(yaml.safe_dump(config))
    shutil.rmtree(workspace / "runtime/bin")
    done = pie_update()
    assert done.exit_code == 1
    assert "conf/extra (required)" in done.output
    assert (workspace / "runtime/bin/python").is_file()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../outside", "not inside of the workspace"),
        ("/tmp/outside", "not inside of the workspace"),
        (".", "not inside of the workspace"),
        ("lib/../..", "not inside of the workspace"),
        ("runtime/x", "choose another"),
        ("linked/x", "by a symbolic link"),
        ("lib", "overlaps"),
    ],
)
def test_paths_that_are_refused(
    tmp_path: Path, workspace: Path, origin: Path, pie_update: Run, path: str, said: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace / "linked").symlink_to(tmp_path / "elsewhere")
    repositories = [{"url": str(origin), "path": "lib/more"}, {"url": str(origin), "path": path}]
    config = {"product": "toutiao", "repositories": repositories}
    (workspace / "runtime/workspace.yml").write_text(yaml.safe_dump(config))
    done = pie_update()
    assert done.exit_code == 1
    assert said in done.output
    assert not (workspace / "lib/more").exists()


def test_work_that_is_not_committed_or_went_another_way_is_left_alone(
    tmp_path: Path, origin: Path, pie_init: Run, pie_update: Run
) -> None:
    root = tmp_path / "toutiao"
    pie_init(root, "--repository", f"{origin}=lib/idl")
    mine = root / "lib/idl/shop.thrift"
    mine.write_text("struct Mine {}\n")
    commit(origin, "shop.thrift", "struct Two {}\n")
    done = pie_update(root)
    assert done.exit_code == 0
    assert "Skipped:" in done.output
    assert mine.read_text() == "struct Mine {}\n"
    git(root / "lib/idl", "commit", "--quiet", "--all", "--message", "mine")
    done = pie_update(root)
    assert "Skipped:" in done.output
    assert mine.read_text() == "struct Mine {}\n"


def test_something_else_is_in_its_place(
    workspace: Path, tmp_path: Path, origin: Path, pie_update: Run
) -> None:
    marker = workspace / "runtime/workspace.yml"
    config = {"product": "toutiao", "repositories": [{"url": str(origin), "path": "lib/idl"}]}
    marker.write_text(yaml.safe_dump(config))
    assert "has files, but is no clone: move it away" in pie_update().output
    assert (workspace / "lib/idl/demo2.thrift").is_file()
    shutil.rmtree(workspace / "lib/idl")
    other = tmp_path / "other"
    shutil.copytree(origin, other)
    git(tmp_path, "clone", "--quiet", str(other), str(workspace / "lib/idl"))
    assert f"is a clone of {other}" in pie_update().output


def test_a_git_that_hangs_is_ended_with_its_children(
    workspace: Path, tmp_path: Path, pie_update: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    config = {
        "product": "toutiao",
        "repositories": [{"url": "git@host.example:conf.git", "path": "conf/x"}],
    }
    (workspace / "runtime/workspace.yml").write_text(yaml.safe_dump(config))
    done = pie_update("--git-timeout", "5")
    assert done.exit_code == 0
    assert "no answer within 5 s" in done.output
    assert list((workspace / "conf").glob(".pie-clone-*")) == []
    until = time.monotonic() + 30
    while _alive(int(pid.read_text())):
        assert time.monotonic() < until, "ssh was left running"
        time.sleep(0.02)


def test_git_asks_nobody_and_hears_of_no_other_repository() -> None:
    made = environment({"GIT_DIR": "/other/.git", "GIT_SSH_COMMAND": "ssh -p 29418", "PATH": "x"})
    assert "GIT_DIR" not in made
    assert made["GIT_TERMINAL_PROMPT"] == "0"
    assert made["GIT_SSH_COMMAND"].startswith("ssh -p 29418 -oBatchMode=yes")
    assert made["PATH"] == "x"


def test_a_repository_option_that_is_none(tmp_path: Path, pie_init: Run) -> None:
    for text in ("conf", "=conf", "url="):
        done = pie_init(tmp_path / "toutiao", "--repository", text)
        assert done.exit_code == 1
        assert "write URL=PATH" in done.output
    done = pie_init(tmp_path / "toutiao", "--repository", "--upload-pack=x=conf")
    assert done.exit_code == 1
    assert "is not the address" in done.output


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
