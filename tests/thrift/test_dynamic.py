"""Classes made from an IDL at run time: to the codec they are what generated ones are."""

import gc
import weakref

import pytest
from tests.thrift.test_peers import plain, sample

from pie.thrift import IdlError, decode, encode, fill_base_resp, load_idl, load_module
from pie.thrift.dynamic import services
from pie.thrift.json_example import MAX_FIELDS, example
from pie.thrift.json_form import from_json, to_json
from pie.thrift.types import StructType


def dynamic(text: str, **includes: str):
    files = {f"{name}.thrift": each for name, each in includes.items()} | {"main.thrift": text}
    return services(load_idl("main.thrift", files.__getitem__))


@pytest.fixture(scope="module")
def both(idl_folder, rich):
    """The generated service and the dynamic one, of the same IDL."""
    made = services(load_idl("rich.thrift", lambda path: (idl_folder / path).read_text()))
    return rich.Child, made["Child"]


def test_services_are_described_alike(both) -> None:
    generated, made = both
    assert list(made.methods) == list(generated.methods)
    for name in ("name", "doc", "idl_path", "idl"):
        assert getattr(made, name) == getattr(generated, name)
    assert set(made.idl_files) == set(generated.idl_files)
    for name, method in generated.methods.items():
        other = made.methods[name]
        assert (other.service, other.attr, other.oneway, other.doc) == (
            method.service, method.attr, method.oneway, method.doc,
        )  # fmt: skip
        assert [each.__name__ for each in other.exceptions] == [
            each.__name__ for each in method.exceptions
        ]


def test_bytes_are_alike_both_ways(both, rich) -> None:
    generated, made = both
    args = generated.methods["Mix"].args(rich=sample(rich), more=[])
    data = encode(args)
    value = decode(made.methods["Mix"].args, data)
    assert plain(value) == plain(args)
    assert encode(value) == data
    assert repr(value.rich.leaf) == repr(args.rich.leaf)


def test_defaults_are_alike_and_each_structs_own(both, rich) -> None:
    _, made = both
    cls = type(decode(made.methods["Mix"].args, encode(
        both[0].methods["Mix"].args(rich=rich.Rich(), more=[]))).rich)  # fmt: skip
    assert plain(cls()) == plain(rich.Rich())
    first, second = cls(), cls()
    for field in cls.__fields__:
        value = getattr(first, field.attr)
        if isinstance(value, (list, set, dict)):
            assert value is not getattr(second, field.attr)


def test_constructors_refuse_what_is_no_field() -> None:
    cls = dynamic("struct A { 1: i32 x } service S { A Get(1: A a) }")["S"].methods["Get"].args
    inner = cls.__fields__[0].type.cls
    assert inner(1).x == inner(x=1).x == 1
    for wrong in (lambda: inner(1, 2), lambda: inner(1, x=2), lambda: inner(y=1)):
        with pytest.raises(TypeError):
            wrong()


def test_no_name_of_the_idl_reaches_what_is_pythons_own() -> None:
    text = """
    enum E { _order_ = 1, _ignore_ = 2, name = 3, mro = 4, None = 5 }
    struct A { 1: i32 cls, 3: i32 self, 4: E e = E.mro, 5: i32 class }
    exception X { 1: i32 args, 2: i32 add_note }
    service S { A Get(1: A from, 2: A self) throws (1: X x) }
    """
    method = dynamic(text)["S"].methods["Get"]
    kind = method.returns
    data = {"cls": 1, "self": 3, "e": "name", "class": 5}
    value = from_json(kind, data)
    assert to_json(kind, value) == data
    assert to_json(kind, kind.cls()) == {"e": "mro"}
    args = method.args(value, value)
    assert to_json(StructType(method.args), decode(method.args, encode(args))) == {
        "from": data,
        "self": data,
    }
    for name in ("_order_", "_ignore_", "name", "mro", "None"):
        assert to_json(kind, from_json(kind, {"e": name})) == {"e": name}
    raised = method.failure(method.exceptions[0](1, 2))
    assert to_json(StructType(type(raised)), raised) == {"x": {"args": 1, "add_note": 2}}


def test_structs_of_their_own_kind_and_long_chains() -> None:
    made = dynamic("struct A { 1: list<A> more, 2: optional A one } service S { A Get() }")["S"]
    kind = made.methods["Get"].returns
    data = {"more": [{"more": []}], "one": {"more": []}}
    assert to_json(kind, decode(kind.cls, encode(from_json(kind, data)))) == data
    chain = "".join(f"struct A{n} {{ 1: A{n + 1} next }}\n" for n in range(3000))
    text = chain + "struct A3000 {} service S { A0 Get() }"
    assert dynamic(text)["S"].methods["Get"].returns.cls.__name__ == "A0"


def test_services_that_extend_over_files() -> None:
    made = dynamic(
        'include "base.thrift"\nservice Child extends base.Parent { void Own() }',
        base="struct Base { 1: i32 x } service Parent { Base Get(1: Base b) }",
    )
    assert list(made) == ["Child"]
    assert list(made["Child"].methods) == ["Get", "Own"]


def test_a_wrong_idl_is_the_same_error() -> None:
    with pytest.raises(IdlError, match=r"main\.thrift:1:"):
        dynamic("struct A { 1: B b }")


def test_base_resp_is_found() -> None:
    made = dynamic(
        "struct BaseResp { 1: string StatusMessage, 2: i32 StatusCode } "
        "struct R { 255: BaseResp BaseResp } service S { R Get() }"
    )["S"]
    value = made.methods["Get"].returns.cls()
    assert fill_base_resp(value)
    assert repr(value) == "R(BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))"


def test_examples_are_taken_back(both) -> None:
    for service in both:
        for method in service.methods.values():
            kind = StructType(method.args)
            value = from_json(kind, example(kind))
            assert decode(method.args, encode(value)) == value


def test_examples_end() -> None:
    grow = "".join(f"struct A{n} {{ 1: A{n + 1} a, 2: A{n + 1} b }}\n" for n in range(40))
    text = (
        f"{grow} struct A40 {{}} struct R {{ 1: required R r, 2: list<R> l, 3: map<i32, R> m }} "
        "union U { 1: i32 a, 2: string b } enum E { ON = 1 } "
        "service S { A0 Grow(), R Round(), U Choose(), map<E, bool> Keys(), "
        "map<bool, i64> Bools() }"
    )
    methods = dynamic(text)["S"].methods
    assert str(example(methods["Grow"].returns)).count("'a'") <= MAX_FIELDS
    assert example(methods["Round"].returns) == {"r": {}, "l": [], "m": {}}
    assert example(methods["Choose"].returns) == {"a": 0}
    assert example(methods["Keys"].returns) == {"ON": False}
    assert example(methods["Bools"].returns) == {"false": 0}


def test_a_generated_module_gives_the_same_json(both) -> None:
    text = "enum E { None = 1, ON = 2 } struct A { 1: E e, 2: i32 from } service S { A Get() }"
    for kind in (
        StructType(load_module(text).A),
        dynamic(text)["S"].methods["Get"].returns,
    ):
        assert to_json(kind, from_json(kind, {"e": "None", "from": 1})) == {"e": "None", "from": 1}


def test_classes_end_when_nobody_uses_them() -> None:
    made = dynamic(
        "struct BaseResp { 1: string m, 2: i32 c } "
        "struct R { 1: list<R> more, 2: E e, 255: BaseResp r } enum E { A = 1 } "
        "service S { R Get(1: R r) }"
    )["S"]
    method = made.methods["Get"]
    kind = method.returns
    value = from_json(kind, example(kind))
    assert fill_base_resp(value)
    assert decode(kind.cls, encode(value)) == value
    watched = [weakref.ref(each) for each in (made, method.args, kind.cls)]
    del made, method, kind, value
    gc.collect()
    assert [each() for each in watched] == [None] * 3
