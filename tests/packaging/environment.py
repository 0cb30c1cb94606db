"""A virtual environment that installs what was built here, and services that run in it."""

import http.client
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class Environment:
    """A virtual environment of its own interpreter, with nothing in it but what was installed."""

    def __init__(self, folder: Path, python: str, dist: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self._dist = dist
        subprocess.run([python, "-m", "venv", str(folder)], check=True)

    def install(self, *wanted: str) -> None:
        """By pip; ``pie-runtime[…]`` is what was built here."""
        self.run("pip", "install", "--quiet", "--find-links", str(self._dist), *wanted)

    def run(self, program: str, *arguments: str, **options: object) -> str:
        """What a program of it prints; fails with its words when it fails."""
        done = subprocess.run(
            [str(self.bin / program), *arguments], capture_output=True, text=True, check=False,
            env=clean_environment(), **options,
        )  # fmt: skip
        assert done.returncode == 0, f"{program} {arguments}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, folder: Path, *arguments: str, path: str, answer: bytes) -> str:
        """Run ``pie serve`` in a folder, ask for one path, stop it; what it printed."""
        port = free_port()
        environ = clean_environment() | {
            "PIE_PSM": "acme.shop.web", "PIE_PLATFORM": "http://127.0.0.1:9",
            "PIE_PORT": str(port), "PIE_LOG_ROOT": str(folder / "logs"), "PIE_STDOUT": "console",
        }  # fmt: skip
        with subprocess.Popen(
            [str(self.bin / "pie"), "serve", *arguments], cwd=folder, env=environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            printed = ""
            try:
                for line in process.stdout:
                    printed += line
                    if "Running on" in line:
                        break
                else:
                    pytest.fail(f"{arguments} did not start:\n{printed}")
                assert get(port, path) == (200, answer)
                process.send_signal(signal.SIGTERM)
                printed += process.stdout.read()
            finally:
                process.kill()
        assert process.returncode == 0, printed
        return printed


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def clean_environment() -> dict[str, str]:
    """Nothing that names a workspace, or the packages of the tests."""
    theirs = ("PYTHONPATH", "RUNTIME_ROOT", "VIRTUAL_ENV")
    return {
        key: value
        for key, value in os.environ.items()
        if key not in theirs and not key.startswith("PIE_")
    }
