"""The language as other compilers take it: old words, odd numbers, names from everywhere."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.thrift import IdlError, generate, load_idl, load_module, parse_idl


def error_of(text, includes=None):
    files = {"a.thrift": text, **(includes or {})}
    with pytest.raises(IdlError) as caught:
        load_idl("a.thrift", files.__getitem__)
    return str(caught.value)


def ids(text):
    return [(f.id, f.name) for f in parse_idl(text).definitions[0].fields]


def test_fields_without_ids_count_down_as_everywhere():
    assert ids("struct A { string a, 1: i32 b; optional i32 c required i32 d = 3 }") == [
        (-1, "a"),
        (1, "b"),
        (-2, "c"),
        (-3, "d"),
    ]
    (service,) = parse_idl("service S { void f(i32 a, 2: i32 b) throws (E e, F f,) }").definitions
    assert [f.id for f in service.functions[0].arguments] == [-1, 2]
    assert [f.id for f in service.functions[0].throws] == [-1, -2]


def test_written_ids_are_kept_negative_ones_too():
    made = load_module("struct A { 0: i32 zero, -5: i32 minus, 0x10: i32 hex, 0o17: i32 octal }")
    assert [field.id for field in made.A.__fields__] == [0, -5, 16, 15]


def test_words_for_other_languages_are_read_and_left_aside():
    document = parse_idl(
        """
        cpp_include "<map>"
        struct Tree xsd_all {
            1: map cpp_type "std::map" <i32, i32> a,
            2: set cpp_type 'Set' <i32> b,
            3: list<i32> cpp_type "List" c,
            4: optional Tree & left xsd_optional xsd_nillable
            5: i32 d = 1 xsd_attrs { 1: string e } (f = "g")
        }
        service Old { async void fire(1: i32 a), byte last() }
        """
    )
    tree, old = document.definitions
    assert [field.name for field in tree.fields] == ["a", "b", "c", "left", "d"]
    assert tree.fields[4].annotations == {"f": "g"}
    assert old.functions[0].oneway
    assert old.functions[1].returns.name == "i8"


def test_namespaces_of_every_kind():
    document = parse_idl(
        'namespace * all.of.them (x = "y")\nnamespace py "quoted.name"\n'
        "namespace py.twisted tw; namespace smalltalk.category Some_Thing, namespace rb A"
    )
    assert [(each.language, each.name) for each in document.namespaces] == [
        ("*", "all.of.them"),
        ("py", "quoted.name"),
        ("py.twisted", "tw"),
        ("smalltalk.category", "Some_Thing"),
        ("rb", "A"),
    ]


def test_annotations_are_kept_wherever_they_stand():
    document = parse_idl(
        r"""
        typedef i64 (js.type = "Long") Id (final, a.b = 'c'; d = "e" f)
        enum Size { SMALL (label = "S") = 1 BIG } (flags)
        """.replace('SMALL (label = "S") = 1', 'SMALL = 1 (label = "S")')
        + r"""
        struct Line { 1: list<string (max = "9")> (min = "1") words (vd = "^\d+\"$") } (table = "t")
        exception Bad { 1: i32 code } ()
        service S { Id (boxed) f(1: Id id (path = "id")) (get = "/:id") } (psm = "a.b.c")
        const string (a) NAME = "x" (b)
        """
    )
    identity, size, line, bad, service, name = document.definitions
    assert identity.type.annotations == {"js.type": "Long"}
    assert identity.annotations == {"final": "1", "a.b": "c", "d": "e", "f": "1"}
    assert size.members[0].annotations == {"label": "S"}
    assert size.annotations == {"flags": "1"}
    words = line.fields[0]
    assert words.type.annotations == {"min": "1"}
    assert words.type.element.annotations == {"max": "9"}
    assert words.annotations == {"vd": '^\\d+"$'}
    assert bad.annotations == {}
    assert service.functions[0].returns.annotations == {"boxed": "1"}
    assert service.functions[0].arguments[0].annotations == {"path": "id"}
    assert service.functions[0].annotations == {"get": "/:id"}
    assert (name.type.annotations, name.annotations) == ({"a": "1"}, {"b": "1"})


@pytest.mark.parametrize(
    ("comment", "doc"),
    [
        ("/** one */", "one"),
        ("/***/", ""),
        ("/**\n * one\n *   deeper\n *\n * two\n */", "one\n  deeper\n\ntwo"),
        ("/**\n   one\n     deeper\n\n   two\n*/", "one\n  deeper\n\ntwo"),
        ("/* one\r\n * two\r\n */\r", "one\ntwo"),
        ("# one\n// two", "one\ntwo"),
        ("/** one */\n/** two */", "one\ntwo"),
        ("// far\n\n/// near", "near"),
        ("/** é ☃ */", "é ☃"),
    ],
)
def test_comments_become_docs(comment, doc):
    assert parse_idl(f"{comment}\nstruct A {{}}").definitions[0].doc == doc


def test_docs_of_a_file_are_not_its_licence():
    text = "/* Copyright of A.\n * No warranty. */\n\n# What it\n# is about.\n#@namespace go x\n"
    assert parse_idl(text + "namespace py x").doc == "What it\nis about."
    assert parse_idl("// Under a license.\n// Really.\n\ninclude 'a.thrift'").doc == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_ending_a_mark_of_byte_order_and_tabs(end):
    text = end.join(["\ufeff// é", "struct A {", "\t1: i32 a // b", "}", "const i32 C = 1"])
    struct, const = parse_idl(text).definitions
    assert (struct.doc, struct.fields[0].doc, const.value.value) == ("é", "b", 1)


def test_constants_of_every_shape():
    made = load_module(
        r"""
        include "far.thrift"
        enum Level { LOW = -3, MIDDLE, HIGH = 0x10, TOP, ALSO_TOP = 17 }
        struct Point { 1: double x = 1, 2: double y, 3: optional Level level }
        const i32 uuid = 7
        const i64 SMALLEST = -9223372036854775808
        const double WHOLE = -0x10
        const bool YES = 1
        const string QUOTES = 'it\'s "a" \\ \u00e9\x41\t'
        const Level BY_NUMBER = 17
        const Level BY_NAME = LOW
        const Level BY_OTHER_FILE = far.PEAK
        const Level UNPREFIXED = level.HIGH
        const i32 AS_NUMBER = Level.MIDDLE
        const Point HERE = {"y": 2; "level": Level.TOP}
        const map<string, list<Point>> PLACES = {"a": [HERE, {"x": far.WIDTH}], "b": {},}
        const list<map<i32, set<string>>> DEEP = [{1: ["x" "y"], 2: []};]
        const map<Point, i32> BY_POINT = {HERE: 1, {}: 2}
        const set<list<i32>> ROWS = [[1, uuid], [uuid;]]
        const map<i32, i32> NONE = []
        struct Uses {
            1: Point at = HERE, 2: set<Level> levels = {}, 3: map<list<i32>, i32> m = {[1]: 2}
        }
        """,
        {"far.thrift": "const i32 WIDTH = 3\nconst i32 PEAK = 17"},
    )
    assert [(m.name, m.value) for m in made.Level] == [
        ("LOW", -3),
        ("MIDDLE", -2),
        ("HIGH", 16),
        ("TOP", 17),
    ]
    assert made.Level.ALSO_TOP is made.Level.TOP
    assert (made.uuid, made.SMALLEST, made.WHOLE, made.YES) == (7, -(1 << 63), -16.0, True)
    assert made.QUOTES == 'it\'s "a" \\ éA\t'
    assert made.BY_NUMBER is made.BY_OTHER_FILE is made.Level.TOP
    assert (made.BY_NAME, made.UNPREFIXED) == (made.Level.LOW, made.Level.HIGH)
    assert made.AS_NUMBER == -2
    here = made.Point(1.0, 2.0, made.Level.TOP)
    assert here == made.HERE
    assert {"a": [here, made.Point(3.0)], "b": []} == made.PLACES
    assert [{1: {"x", "y"}, 2: set()}] == made.DEEP
    assert [(here, 1), (made.Point(), 2)] == made.BY_POINT
    assert made.ROWS == [[1, 7], [7]]
    assert made.NONE == {}
    one, other = made.Uses(), made.Uses()
    assert (one.at, one.levels, one.m) == (here, set(), [([1], 2)])
    assert one.at is not other.at
    assert one.m is not other.m


def test_includes_meet_again_and_have_any_file_name():
    files = {
        "top.thrift": 'include "./left.v1.thrift"\ninclude "right"\n'
        "struct Top { 1: left.v1.Left l = {'e': left.v1.E.B}, 2: right.Right r }",
        "left.v1.thrift": 'include "base.thrift"\nstruct Left { 1: E e } enum E { A, B }\n'
        "typedef base.Base Base",
        "right": 'include "base.thrift"\nstruct Right { 1: base.Base b }',
        "base.thrift": "struct Base {}",
        "a-b.thrift": "struct Unused {}",
    }
    program = load_idl("top.thrift", files.__getitem__)
    assert list(program.documents) == ["base.thrift", "left.v1.thrift", "right", "top.thrift"]
    made = load_module(files["top.thrift"], files)
    assert made.Top().l.e.name == "B"
    load_idl("x.thrift", {**files, "x.thrift": 'include "a-b.thrift"'}.__getitem__)


def test_services_extend_each_other_across_files():
    made = load_module(
        'include "b.thrift"\nservice Low extends b.Middle { void low() }',
        {
            "b.thrift": 'include "c.thrift"\nservice Middle extends c.High {}',
            "c.thrift": "service High { c.Alias high() } typedef i32 Alias".replace("c.A", "A"),
        },
    )
    assert list(made.Low.methods) == ["high", "low"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@Note{a = 1} struct A {}", "1:1: unexpected character '@'; annotations follow what they"),
        (
            "interaction I {}",
            "1:1: interaction is not accepted; it is of another dialect of Thrift",
        ),
        ("senum Old { 'A' }", "1:1: senum is not accepted; senum is no longer part of Thrift: use"),
        ("struct A { 1: slist x }", "1:15: slist is not accepted; slist is no longer part of"),
        ("py_module a.b", "1:1: py_module is not accepted; write: namespace py name"),
        ("service S { stream<i32> f() }", "1:13: stream<…> is streaming, which Pie has not; ret"),
        (
            'service S { i32 f() (streaming.mode = "server") }',
            "1:17: the function f streams (server), and Pie has no streaming; return a list, or",
        ),
        ("exception E {} service S { void f() throws (0: E e) }", "1:50: the id 0 of the excep"),
        ("struct A { 1: A a = {} }", "1:8: the defaults of A make structs in structs without e"),
        (
            "struct A { 1: B b = {} } struct B { 1: map<i32, A> a = {1: {}} }",
            "1:8: the defaults of A make structs in structs without end: A in B in A, and so on",
        ),
        ("typedef i32 string", "1:13: string is a word of the language"),
        ("const i32 true = 1", "1:11: true is a word of the language"),
        ("const string A = 'a\nb'", "1:18: string without an end; close it with ' on the same"),
        ("const i64 A = 0xFFFFFFFFFFFFFFFF", "1:15: 18446744073709551615 is out of the range"),
        ("struct A { " + "1: i32 a xsd_attrs { " * 40, "nested deeper than 32 levels"),
        ("const i32 A = " + "{1: " * 5000, "1:140: nested deeper than 32 levels"),
    ],
)
def test_what_pie_does_not_take_is_named(text, message):
    assert message in error_of(text)


def test_types_that_multiply_are_refused_at_once():
    text = "typedef i32 T0\n" + "".join(f"typedef map<T{n}, T{n}> T{n + 1}\n" for n in range(30))
    assert "the type has more than 1000 parts; make some of them a struct" in error_of(text)


def test_a_file_that_is_no_text_is_named():
    def load(path):
        return b"include 'b.thrift'".decode() if path == "a.thrift" else b"\xff".decode()

    with pytest.raises(IdlError, match=r"^b\.thrift:1:1: not UTF-8 text: byte 0; save it as"):
        load_idl("a.thrift", load)


_WORDS = r"""
struct union enum { } ( ) < > [ ] , ; : = * & 1 -1 0x 1e9 0o8 " ' /* */ // # list map set i32 void
throws extends const typedef service A.B . \ @ required xsd_attrs include true é
"""
_SEED = """
include "b.thrift"
/** Doc. */
struct A { 1: required list<map<string, i32>> a = [{"k": 1}], B b (c = "d"), 4: optional A next }
enum B { X = 1, Y } union C { 1: A a; 2: set<B> b } typedef C D
const A E = {"a": [], "b": B.X} exception F { 1: string message = 'x' }
service S extends b.T { oneway void f(1: A a), C g(1: i32 b = 3) throws (1: F f) }
"""


@pytest.mark.parametrize(
    "end", ['"', '""', '"""', '""""', 'a"', "\\\\", '\\\\"', '"""\\\\', "\u2028", "\x85"]
)
@pytest.mark.parametrize("start", ["", '"', '"""x', "\\\\"])
def test_any_comment_and_any_text_can_stand_in_python(start, end):
    text = f"//{start}{end}\nstruct A {{}}\nservice S {{}}\n//{start}{end}"
    made = load_module(text)
    assert made.S.idl == text
    doc = "".join(c for c in (start + end) if c.isprintable()).strip()
    assert (made.A.__doc__ or "") == doc


@given(st.integers(0, 1 << 32))
@settings(derandomize=True, deadline=None, max_examples=examples(100))
def test_any_damage_is_named_and_what_is_accepted_is_python(seed):
    rng = random.Random(seed)
    words = [*_WORDS.split(), "\r", "\ufeff", "\0"]
    text = _SEED
    for _ in range(rng.choice([1, 1, 2, 4, 20])):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(3):
            case 0:
                text = text[:at] + f" {rng.choice(words)} " * rng.choice([1, 1, 50]) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(1, 9) :]
            case 2:
                start = rng.randrange(len(text) + 1)
                text = text[:at] + text[start : start + rng.randrange(50)] + text[at:]
    files = {"a.thrift": text, "b.thrift": "service T { void t() }"}
    try:
        made = generate(load_idl("a.thrift", files.__getitem__))
    except IdlError as error:
        assert str(error).startswith("a.thrift:")
        return
    for path, source in made.items():
        compile(source, path, "exec")
