"""Python and C agree by name: a name on one side without a partner on the other fails here.

``native.contract()`` lists the names by which C reads objects of Python, from the same tables that
read them. A NamedTuple that Python makes for C has exactly those fields. Of any other class C uses
some attributes, which must exist.
"""

import ast
import enum
import importlib
import inspect
import textwrap
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pie._core
from pie._core import native

pytestmark = pytest.mark.skipif(native is None, reason="this process does without the extension")

CORE = Path(pie._core.__file__).parent
STUB = ast.parse((CORE / "_native.pyi").read_text())
USED = "a name"
KINDS: dict[str, Any] = {
    "a str": str,
    "a bool": bool,
    "an int": int,
    "an int from 0": int,
    "a float": float,
    "seconds": float,
    "a list": list,
    "a tuple": tuple,
    "a dict": dict,
    "a class": type,
    "callable": Callable,
}
"""Kinds of ``base/named.c`` as types of Python; "an object" is any."""

CONTRACT: dict[str, dict[str, str | int]] = {} if native is None else native.contract()


def found(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def names_of(cls: type) -> set[str]:
    """Every name of a class and its instances, those that its methods set among them."""
    names = set(dir(cls))
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def is_struct(dotted: str) -> bool:
    """A NamedTuple that is made for C, and not one of which C uses a method."""
    return hasattr(found(dotted), "_fields") and set(CONTRACT[dotted].values()) != {USED}


@pytest.mark.parametrize("dotted", sorted(CONTRACT))
def test_what_c_reads_is_there(dotted: str) -> None:
    fields, cls = CONTRACT[dotted], found(dotted)
    if issubclass(cls, enum.Enum):
        assert {each.name: each.value for each in cls} == fields
    elif is_struct(dotted):
        assert set(cls._fields) == set(fields), "a field has no partner on the other side"
    else:
        assert set(fields) <= names_of(cls)


@pytest.mark.parametrize("dotted", sorted(filter(is_struct, CONTRACT)))
def test_fields_have_the_types_that_c_expects(dotted: str) -> None:
    hints = typing.get_type_hints(found(dotted))
    for name, kind in CONTRACT[dotted].items():
        wanted = str(kind).removesuffix(" or None")
        is_union = typing.get_origin(hints[name]) in (typing.Union, types.UnionType)
        parts = typing.get_args(hints[name]) if is_union else [hints[name]]
        if wanted in KINDS:
            expected = {KINDS[wanted]} if kind == wanted else {KINDS[wanted], type(None)}
            assert {typing.get_origin(each) or each for each in parts} == expected, name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_threads": "2"}, r"LoopLimits\.max_threads must be an int, not '2'"),
        ({"max_threads": 1 << 40}, r"LoopLimits\.max_threads must be an int, not 1099511627776"),
        ({"write_limit": -1}, r"LoopLimits\.write_limit must be an int from 0, not -1"),
        ({"overload_timeout": None}, r"LoopLimits\.overload_timeout must be seconds, not None"),
    ],
)
def test_a_wrong_limit_is_an_error_that_names_it(fields: dict[str, Any], message: str) -> None:
    from pie.loop.native_loop import LoopHooks, LoopLimits, LoopPlan

    def work(*_: Any) -> None: ...

    limits = LoopLimits(1, 1, 1, 1, 1.0)._replace(**fields)
    hooks = LoopHooks(*[work] * len(LoopHooks._fields))
    with pytest.raises(TypeError, match=message):
        native.Loop(LoopPlan(0, (), hooks, limits, False))


def test_a_wrong_field_is_an_error_that_names_it() -> None:
    from pie.rpc.wire.native_methods import RespPlan

    with pytest.raises(TypeError, match=r"MethodPlan\.name must be a str, not 5"):
        native.client_methods([types.SimpleNamespace(description=None, name=5)])
    with pytest.raises(AttributeError, match="'attr'"):
        native.client_methods([types.SimpleNamespace(description=None, name="x")])
    with pytest.raises(AttributeError):
        native.client_methods([RespPlan(int, int, frozenset())])


# --- The stub, the module, and who uses it. ---


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def defined_in(body: list[ast.stmt]) -> set[str]:
    """What a stub's module or class defines, but for type variables."""
    names = set()
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_the_stub_names_what_the_module_exports() -> None:
    assert public(defined_in(STUB.body)) == public(dir(native))


@pytest.mark.parametrize(
    "cls", [each for each in STUB.body if isinstance(each, ast.ClassDef)], ids=lambda cls: cls.name
)
def test_the_stub_names_the_attributes_of_classes(cls: ast.ClassDef) -> None:
    in_python = set()
    if cls.name == "CallFields":  # Its attributes stand in the twin.
        from pie.model.fields import CallFields

        in_python = public(CallFields.__slots__)
    assert public(defined_in(cls.body)) | in_python == public(vars(getattr(native, cls.name)))


ONLY_FOR_TESTS = {
    "contract",
    "give_readings",
    "histogram_bucket",
    "http_chunks",
    "http_environ",
    "http_head",
    "http_head_rounds",
    "http_proxy",
    "http_trusts",
}
"""Exported for tests alone."""

ONLY_MADE_BY_C = {"Pending", "Program", "Response", "Speaker"}
"""Classes that Python meets as instances."""


def test_python_uses_what_the_module_exports() -> None:
    used: set[str] = set()
    for file in CORE.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            owner = node.value if isinstance(node, ast.Attribute) else None
            if isinstance(owner, ast.Name) and owner.id == "native":
                used.add(node.attr)
    assert used == public(dir(native)) - ONLY_FOR_TESTS - ONLY_MADE_BY_C
