"""The IDL files of these tests, and the modules generated from them."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from pie.thrift import load_module

FOLDER = Path(__file__).parent / "files"


def _load(name: str) -> ModuleType:
    texts = {path.name: path.read_text() for path in FOLDER.glob("*.thrift")}
    return load_module(texts[name], texts, path=name)


@pytest.fixture(scope="session")
def idl_folder() -> Path:
    return FOLDER


@pytest.fixture(scope="session")
def demo2() -> ModuleType:
    return _load("demo2.thrift")


@pytest.fixture(scope="session")
def rich() -> ModuleType:
    return _load("rich.thrift")


@pytest.fixture(scope="session")
def memory_below():
    """A context in which Python's memory grows by less than so many bytes."""

    @contextmanager
    def measure(most: int) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < most

    return measure
