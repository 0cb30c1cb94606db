"""IDL text to a tree: what is kept, and what is said about text that is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.thrift import IdlError, load_idl, parse_idl
from pie.thrift.idl.ast import (
    Const,
    EnumDef,
    ListRef,
    MapRef,
    NamedRef,
    ServiceDef,
    StructDef,
    Typedef,
)


def error_of(text, includes=None):
    files = {"a.thrift": text, **(includes or {})}
    with pytest.raises(IdlError) as caught:
        load_idl("a.thrift", files.__getitem__)
    return str(caught.value)


def test_keeps_everything_that_is_written():
    document = parse_idl(
        """// About the file.

namespace py some.name
namespace * other
include "dir/base.thrift"

typedef list<map<string, base.X>> Table (k = "v", flag)

/**
 * Two lines,
 *   the second indented.
 */
struct Item {
    1: required i64 id; // the number
    # above
    2: optional double price = -1.5e3,
} (table = 'items')

enum Color { RED, GREEN = 5 BLUE }
const Color BEST = Color.GREEN

service S extends base.T {
    oneway void fire(1: i32 a)
    /** Doc. */
    Item get(1: i64 id) throws (1: base.E e)
}
""",
        "x.thrift",
    )
    table, item, color, best, service = document.definitions
    assert document.doc == "About the file."
    assert [(n.language, n.name) for n in document.namespaces] == [
        ("py", "some.name"),
        ("*", "other"),
    ]
    assert [(i.path, i.prefix) for i in document.includes] == [("dir/base.thrift", "base")]

    assert isinstance(table, Typedef)
    assert table.annotations == {"k": "v", "flag": "1"}
    assert isinstance(table.type, ListRef)
    assert isinstance(table.type.element, MapRef)
    assert isinstance(table.type.element.value, NamedRef)
    assert str(table.type.element.value.position) == "x.thrift:7:26"

    assert isinstance(item, StructDef)
    assert item.doc == "Two lines,\n  the second indented."
    assert item.annotations == {"table": "items"}
    assert [(f.id, f.name, f.requiredness, f.doc) for f in item.fields] == [
        (1, "id", "required", "the number"),
        (2, "price", "optional", "above"),
    ]
    assert item.fields[1].default.value == -1500.0

    assert isinstance(color, EnumDef)
    assert [(m.name, m.value) for m in color.members] == [("RED", 0), ("GREEN", 5), ("BLUE", 6)]
    assert isinstance(best, Const)
    assert best.value.name == "Color.GREEN"

    assert isinstance(service, ServiceDef)
    assert service.extends.name == "base.T"
    assert [(f.name, f.oneway, f.doc) for f in service.functions] == [
        ("fire", True, ""),
        ("get", False, "Doc."),
    ]
    assert service.functions[1].throws[0].name == "e"


def test_a_comment_belongs_to_what_follows_without_an_empty_line():
    document = parse_idl("// far\n\n// near\n// nearer\nstruct A {}\nstruct B {}\n")
    assert [d.doc for d in document.definitions] == ["near\nnearer", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("struct A {\n  1: i32 $x\n}", "a.thrift:2:10: unexpected character '$'; remove it"),
        ("/* open", "a.thrift:1:1: comment without an end; close it with */"),
        ('const string A = "x', 'a.thrift:1:18: string without an end; close it with " on'),
        ('const string A = "\\q"', "a.thrift:1:18: unknown escape \\q in a string"),
        ('const string A = "\\ud800"', "a.thrift:1:18: unknown escape \\ud800 in a string"),
        ("structure A {}", "a.thrift:1:1: expected a definition (typedef, const, enum, struct"),
        ("struct A {", "a.thrift:1:11: expected a field or '}', found the end of the file"),
        ("struct A { = }", "1:12: expected a field or '}', found '='; a field is written 1: str"),
        ("struct A { 1 i32 x }", "a.thrift:1:14: expected ':', found 'i32'"),
        ("struct A { 1: list<i32 x }", "a.thrift:1:24: expected '>', found 'x'"),
        ("struct A.B {}", "a.thrift:1:8: the name of the struct has no dot, found 'A.B'"),
        ("const i32 A = 99999999999999999999999", "a.thrift:1:15: the number '99999999999999"),
        ("struct A { 1: " + "list<" * 40 + "i32" + ">" * 40 + " x}", "nested deeper than 32"),
        ("const i32 A = " + "[" * 40 + "]" * 40, "nested deeper than 32 levels"),
        ('include "/"', "a.thrift:1:9: include '/' gives no name to refer to it by; name a file"),
        # What it means.
        (
            "struct A { 1: i32 x, 1: i32 y }",
            "1:29: the id 1 of the field y is taken by x; the next",
        ),
        ("struct A { 1: i32 x, 2: i32 x }", "a.thrift:1:29: the field x is there twice; the first"),
        ("struct A { 32768: i32 x }", "1:23: the id 32768 of the field x does not fit 16 bits; t"),
        ("struct A { -1: i32 x, i32 y }", "1:27: the id -1 of the field y is taken by x; the nex"),
        ("struct A {}\nenum A { X }", "a.thrift:2:6: the name A is there twice; the first is in l"),
        ("struct list {}", "a.thrift:1:8: list is a word of the language"),
        (
            "struct Item {}\nstruct A { 1: Itm x }",
            "a.thrift:2:15: unknown type Itm; did you mean Item?",
        ),
        ("struct A { 1: base.X x }", "1:15: unknown type base.X; no file is included as base: add"),
        ("service S {} struct A { 1: S s }", "a.thrift:1:28: S is a service, not a type"),
        ("typedef B A\ntypedef A B", "typedefs go in a circle"),
        ("typedef list<A> A", "the type is nested deeper than 32 levels"),
        ("enum E { A, A }", "a.thrift:1:13: the member A is there twice"),
        ("enum E { A = 3000000000 }", "a.thrift:1:10: 3000000000 is out of the range of i32"),
        ("union U { 1: i32 x = 1 }", "1:18: the field x of a union has a default; exactly one f"),
        ("const i8 A = 200", "a.thrift:1:14: 200 is out of the range of i8"),
        ('const i32 A = "x"', "a.thrift:1:15: 'x' is not a i32"),
        ("const bool A = 2", "a.thrift:1:16: 2 is not a bool"),
        ("const list<i32> A = {1: 2}", "a.thrift:1:21: a map {...} is not a list"),
        ("const list<i32> A = [1, true]", "a.thrift:1:25: True is not a i32"),
        ("const map<string,i32> A = {'a':1,'a':2}", "a.thrift:1:34: the key is there twice"),
        ("const i32 A = LIMIT", "a.thrift:1:15: unknown constant LIMIT"),
        ("const i32 A = B const i32 B = A", "is defined by itself"),
        ("enum E { A } const E X = B", "1:26: unknown constant B; a member is written with its"),
        ("enum E { A } const E X = E.B", "a.thrift:1:26: E has no member B; it has A"),
        ("enum E { A } const E X = 9", "a.thrift:1:26: 9 is not in E; it has E.A"),
        ("enum E { A } enum F { B } const E X = F.B", "a.thrift:1:39: F.B is not a E"),
        ("struct S { 1: i32 x } const S A = {'y': 1}", "1:36: S has no field 'y'; it has x"),
        ("struct S { 1: i32 x } const S A = {1: 1}", "1:36: a struct's field is named by a string"),
        ("struct S { 1: required i32 x } const S A = {}", "1:44: required field x is not set"),
        ("union U { 1: i32 x } const U A = {}", "1:34: the union U has exactly one field set"),
        ("struct S { 1: i32 x = 'a' }", "a.thrift:1:23: 'a' is not a i32"),
        ("service S extends T {}", "a.thrift:1:19: unknown service T"),
        ("service S extends T {} service T extends S {}", "the service T extends itself"),
        ("service S { void f(), void f() }", "a.thrift:1:28: the function f is there twice"),
        ("service T { void f() } service S extends T { void f() }", "T has a function f already"),
        ("service S { oneway i32 f() }", "a.thrift:1:24: the oneway function f has an answer"),
        ("service S { Item f() }", "a.thrift:1:13: unknown type Item"),
        ("struct E {} service S { void f() throws (1: E e) }", "1:45: e in throws is not an exc"),
        (
            'service S { void f() (pie.failure_codes = "5000..x") }',
            "a.thrift:1:18: pie.failure_codes of f: '5000..x' is no business code",
        ),
        (
            'service S { void f() } (pie.failure_codes = "f:5000")',
            "a.thrift:1:9: pie.failure_codes of S: 'f' stands before a code",
        ),
        (
            'include "b.thrift"',
            "a.thrift:1:9: included file 'b.thrift' is not there; looked for b.",
        ),
    ],
)
def test_says_where_and_what_is_wrong(text, message):
    assert message in error_of(text)


def test_says_which_files_include_each_other():
    files = {"b.thrift": 'include "c.thrift"', "c.thrift": '\ninclude "a.thrift"'}
    assert error_of('include "b.thrift"', files) == (
        "c.thrift:2:9: files include each other: a.thrift -> b.thrift -> c.thrift -> a.thrift; "
        "move what both need into a third file"
    )


def test_the_first_file_may_be_missing_too():
    with pytest.raises(IdlError, match=r"gone\.thrift:1:1: no such IDL file"):
        load_idl("gone.thrift", {}.__getitem__)


def test_includes_are_found_beside_the_file_then_at_the_root():
    files = {
        "svc/a.thrift": 'include "b.thrift"\ninclude "base.thrift"\nstruct A { 1: b.B b }',
        "svc/b.thrift": 'include "../base.thrift"\nstruct B { 1: base.X x }',
        "base.thrift": "struct X {}",
    }
    program = load_idl("svc/a.thrift", files.__getitem__)
    assert list(program.documents) == ["base.thrift", "svc/b.thrift", "svc/a.thrift"]


def test_two_included_files_of_one_name_are_refused():
    files = {"x/b.thrift": "", "y/b.thrift": ""}
    assert "a.thrift:2:9: two included files are called b" in error_of(
        'include "x/b.thrift"\ninclude "y/b.thrift"', files
    )


def test_a_constant_cannot_grow_without_bound():
    lines = ["const list<i32> C0 = [1]"]
    kind = "i32"
    for n in range(12):
        kind = f"list<{kind}>"
        if n:
            lines.append(f"const {kind} D{n} = [{', '.join([f'D{n - 1}'] * 6)}]")
        else:
            lines.append(f"const {kind} D0 = [1, 1, 1, 1]")
    assert "has more than 100000 parts" in error_of("\n".join(lines))


@given(st.text(alphabet="struct{}<>():=,;1a.\"'/*#\n -", max_size=60))
@settings(derandomize=True, deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        load_idl("a.thrift", {"a.thrift": text}.__getitem__)
    except IdlError as error:
        assert str(error).startswith("a.thrift:")
