"""The IDL files of these tests, and the modules generated from them."""

from pathlib import Path
from types import ModuleType

import pytest

from pie.thrift import load_module

FOLDER = Path(__file__).parent / "idl"


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
