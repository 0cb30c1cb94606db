"""Types that a file reaches through typedefs of what it includes, and does not include itself."""

import pytest

from pie.thrift import (
    Service,
    StructException,
    StructType,
    decode,
    encode,
    generate,
    load_idl,
    load_module,
)
from pie.thrift.dynamic import services

FILES = {
    "d.thrift": """
        enum Color { RED = 1, BLUE = 2 }
        struct Deep { 1: Color color = Color.BLUE, 2: list<i32> numbers = [1, 2] }
        exception Lost { 1: string what }
        union Either { 1: i32 n, 2: Deep deep }
    """,
    "c.thrift": """
        include "d.thrift"
        struct X { 1: i32 n, 2: d.Deep deep = {"numbers": [7]}, 3: d.Color color = d.Color.RED }
        typedef d.Color Colour
        typedef list<d.Deep> Deeps
        typedef d.Lost Gone
        typedef d.Either Choice
        service Base {
            Deeps all(1: Colour c) throws (1: Gone g),
            d.Deep one(1: set<Colour> s),
        }
    """,
    "b.thrift": """
        include "c.thrift"
        typedef c.X Y
        typedef c.Deeps Many
        typedef c.Colour Hue
        typedef map<Hue, list<c.Deeps>> Nest
        typedef c.Gone Vanished
        typedef c.Choice Pick
        const c.X ONE = {"n": 5, "deep": {"color": 2}}
        struct Holder {
            1: c.X x = {"n": 3, "color": 2},
            2: Hue hue = c.Colour.BLUE,
            3: set<Hue> hues = [1],
        }
    """,
    "a.thrift": """
        include "b.thrift"
        typedef b.Y Mine
        struct d { 1: b.Hue hue = 2 }
        struct Own {
            1: b.Hue hue = 2,
            2: b.Many many = [{"color": 1}],
            3: b.Nest nest = {1: [[{"color": 2}]]},
            4: Mine mine = {"n": 1, "deep": {"color": 1, "numbers": []}},
            5: b.Holder holder = {"x": {"n": 9}},
            6: b.Pick pick = {"deep": {"color": 2}},
        }
        const b.Y Z = b.ONE
        const b.Hue H = 2
        const b.Nest N = {2: []}
        service S {
            b.Y f(1: b.Y y, 2: b.Hue h) throws (1: b.Vanished v),
            b.Many many(1: b.Nest n, 2: b.Pick p),
        }
    """,
    "e.thrift": """
        include "b.thrift"
        include "c.thrift"
        service T extends c.Base { b.Hue hue(1: b.Many m) }
    """,
    "f.thrift": """
        include "e.thrift"
        service U extends e.T { void u() }
    """,
}


def module_of(path: str):
    return load_module(FILES[path], FILES, path=path)


def test_structs_and_their_defaults() -> None:
    made = module_of("a.thrift")
    own = made.Own()
    assert (own.hue.name, [each.color.name for each in own.many]) == ("BLUE", ["RED"])
    assert {key.name: value[0][0].color.name for key, value in own.nest.items()} == {"RED": "BLUE"}
    assert (own.mine.n, own.mine.deep.numbers, own.mine.color.name) == (1, [], "RED")
    assert (own.holder.x.n, own.holder.x.deep.numbers, own.holder.hue.name) == (9, [7], "BLUE")
    assert own.pick.deep.color.name == "BLUE"
    assert decode(made.Own, encode(own)) == own


def test_constants() -> None:
    made = module_of("a.thrift")
    assert (made.Z.n, made.Z.deep.color, made.Z.deep.numbers) == (5, 2, [1, 2])
    assert (made.H.name, made.N) == ("BLUE", {made.H: []})


def test_methods() -> None:
    made = module_of("a.thrift")
    f, many = made.S.methods["f"], made.S.methods["many"]
    (lost,) = f.exceptions
    assert issubclass(lost, StructException)
    args = f.args(made.Z, 2)
    assert decode(f.args, encode(args)) == args
    kind = many.args.__fields__[1].type
    assert isinstance(kind, StructType)
    assert kind.cls.__name__ == "Either"


def test_extended_services() -> None:
    made = module_of("f.thrift")
    assert list(made.U.methods) == ["all", "one", "hue", "u"]
    assert made.U.methods["hue"].returns.enum.__name__ == "Color"


@pytest.mark.parametrize("path", ["a.thrift", "f.thrift"])
def test_without_generated_code(path: str) -> None:
    found: dict[str, type[Service]] = services(load_idl(path, FILES.__getitem__))
    generated = module_of(path)
    for name, service in found.items():
        assert list(service.methods) == list(getattr(generated, name).methods)


def test_what_is_not_named_is_not_imported() -> None:
    files = generate(load_idl("f.thrift", FILES.__getitem__))
    imports = [line for line in files["f.py"].splitlines() if line.startswith("from .")]
    assert imports == ["from . import e"]
    files = generate(load_idl("a.thrift", FILES.__getitem__))
    imports = [line for line in files["a.py"].splitlines() if line.startswith("from .")]
    assert imports == ["from . import b", "from . import c", "from . import d as d_"]
