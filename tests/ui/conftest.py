"""The build of the pages, as a module."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

UI = Path(__file__).resolve().parents[2] / "ui"


@pytest.fixture(scope="session")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pie_ui_build", UI / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
