"""The extension's tests compare it with its twins, so they need both."""

from types import ModuleType

import pytest
from tests.core.random_thrift import EVERYTHING

from pie import _core
from pie.thrift import load_module


@pytest.fixture(scope="session")
def native() -> ModuleType:
    if _core.native is None:
        pytest.skip(f"the C extension is not in use: {_core.reason}")
    return _core.native


@pytest.fixture(scope="session")
def every() -> ModuleType:
    """Structs of every type, a union, an exception, defaults of both kinds."""
    return load_module(EVERYTHING)
