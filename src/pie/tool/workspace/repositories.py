"""The git repositories of a workspace: cloned, or fast-forwarded; never merged, never forced."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pie.tool.workspace.layout import Repository

_SSH_OPTIONS = "-oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=10"
_GIT_OPTIONS = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30")
_CLONE = ".pie-clone-"


class GitError(Exception):
    """A repository is missing or not up to date; the message gives the reason."""


@dataclass(frozen=True)
class Outcome:
    """The result for one repository; ``problem`` is empty when it is up to date."""

    repository: Repository
    done: str
    problem: str = ""


def bring(root: Path, repository: Repository, seconds: float) -> Outcome:
    """Clone a repository, or pull its news. Never prompts for a password."""
    target = root / repository.path
    try:
        if shutil.which("git") is None:
            raise GitError("git is not installed")
        if _is_bare_of_files(target):
            _clone(repository.url, target, seconds)
            return Outcome(repository, "cloned")
        return Outcome(repository, _pull(repository.url, target, seconds))
    except (GitError, OSError) as error:
        return Outcome(repository, "", str(error))


def _is_bare_of_files(path: Path) -> bool:
    """Whether the folder is missing or holds only empty folders, which are removed."""
    if not path.is_dir():
        return not path.exists()
    if any(files for _, _, files in os.walk(path)) or any(p.is_symlink() for p in path.rglob("*")):
        return False
    for folder, _, _ in os.walk(path, topdown=False):
        Path(folder).rmdir()
    return True


def _clone(url: str, target: Path, seconds: float) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f"{_CLONE}{target.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # Clone into a temporary folder first: an interrupted clone must not look like a repository.
    temporary = tempfile.mkdtemp(prefix=f"{_CLONE}{target.name}-", dir=target.parent)
    try:
        inner = Path(temporary, "clone")
        _git(target.parent, seconds, "clone", "--quiet", "--", url, str(inner))
        inner.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _pull(url: str, target: Path, seconds: float) -> str:
    if not (target / ".git").exists():
        raise GitError(f"{target} has files, but is no clone: move it away")
    origin = _git(target, seconds, "remote", "get-url", "origin").strip()
    if origin != url:
        raise GitError(f"{target} is a clone of {origin}")
    before = _git(target, seconds, "rev-parse", "--verify", "--quiet", "HEAD", check=False)
    _git(target, seconds, "pull", "--quiet", "--ff-only", "--no-rebase")
    after = _git(target, seconds, "rev-parse", "--verify", "--quiet", "HEAD", check=False)
    return "up to date" if before == after else "brought forward"


def _git(folder: Path, seconds: float, *arguments: str, check: bool = True) -> str:
    """Run git; a git that hangs is killed together with its children."""
    with subprocess.Popen(
        ["git", *_GIT_OPTIONS, "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment(os.environ),
        start_new_session=True,
    ) as process:
        try:
            out, complaint = process.communicate(timeout=seconds)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise GitError(f"no answer within {seconds:g} s") from None
            raise
    if process.returncode and check:
        raise GitError(_reason(complaint) or f"git {arguments[0]} failed")
    return out


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git never prompts and looks at this repository only."""
    kept = {key: value for key, value in given.items() if key not in _OF_ANOTHER_REPOSITORY}
    ssh = given.get("GIT_SSH_COMMAND") or "ssh"
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_SSH_COMMAND": f"{ssh} {_SSH_OPTIONS}",
        "LC_ALL": "C",
    }


_OF_ANOTHER_REPOSITORY = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
}


def _reason(complaint: str) -> str:
    """The line of git's output that gives the reason."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    telling = [
        line.removeprefix("fatal: ").removeprefix("error: ")
        for line in lines
        if line.startswith(("fatal:", "error:", "ERROR:"))
        and "Could not read from remote" not in line
    ]
    denied = [line for line in lines if "ermission denied" in line or "ould not resolve" in line]
    return next(iter([*denied, *telling, *lines]), "")
