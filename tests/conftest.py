"""What many tests need: a process's runtime on a folder, and its facts."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.parallel import (  # noqa: F401 - hooks
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)
from tests.skips import (  # noqa: F401 - hooks
    pytest_make_collect_report,
    pytest_runtest_makereport,
)

from pie.call import Runtime, set_runtime
from pie.observe import Identity, Observer
from pie.state import Directory, MemoryStore

os.environ.setdefault("PIE_NOTICE_SECONDS", "0.2")  # Services that tests start stop soon.


class Bench:
    """A runtime whose registry is in memory and whose logs go to a temporary folder."""

    def __init__(self, root: Path, psm: str, instance: str = "127.0.0.1:1") -> None:
        self.root = root
        self.psm = psm
        self.store = MemoryStore()
        identity = Identity(psm=psm, host="127.0.0.1", instance=instance)
        self.observer = Observer(identity, root, root / "service")
        self.runtime = Runtime(self.observer, Directory(self.store, None))

    def facts(self, what: str = "calls") -> list[dict[str, Any]]:
        """Rows written so far, in order."""
        self.observer.recorder.flush(final=True)
        folder = self.root / self.psm.partition(".")[0] / "log" / "facts"
        files = sorted(folder.glob(f"{self.psm}.{what}.2*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def close(self) -> None:
        self.runtime.directory.close()
        self.observer.close()


@pytest.fixture
def served_at() -> str:
    """The address that the process is registered by, if it is."""
    return "127.0.0.1:1"


@pytest.fixture
def bench(tmp_path: Path, served_at: str) -> Iterator[Bench]:
    made = Bench(tmp_path, "toutiao.my.server", served_at)
    set_runtime(made.runtime)
    yield made
    set_runtime(None)
    made.close()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a unix socket."""
    with tempfile.TemporaryDirectory(prefix="pie") as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """Path of a program, or a skip that names it and says how to get it."""

    def find(name: str, advice: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed: {advice}")
        return path

    return find
