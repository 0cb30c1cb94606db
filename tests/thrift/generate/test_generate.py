"""Generated Python: its text, its types, and how its classes behave."""

import copy
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from tests.thrift.generate.test_far_includes import FILES as FAR_FILES

from pie.rpc import over
from pie.thrift import IdlError, failure_codes_of, generate, load_idl, load_module
from pie.thrift.dynamic import services

SOURCE = Path(__file__).parents[3] / "src"
GOLDEN = Path(__file__).parent / "golden"

CORNERS = """
include "dir/list.thrift"
enum None { True = 1, name, value, mro, real, ok }
typedef Later Early
typedef list<None> Later
struct class {
  1: i32 from, 2: string self, 3: None None = None.name, 4: list.dict list,
  5: optional double huge = 1e999, 6: map<string, None> _t, 7: Early early = [None.ok],
  8: list<_t> nested = [{"builtins": 1}], 9: string quote = 'a"b\\\\',
}
struct _t { 1: bool builtins }
exception Bad { 1: string args, 2: string with_traceback, 3: i32 code }
const class FIRST = {"from": 3, "None": None.value}
const set<i32> EMPTY = []
service float {
  i32 int(1: i32 int, 2: optional string str, 3: i32 self = 4),
  list<string> list(1: list<i32> list, 2: list<i32> other = [1]) throws (1: Bad list),
  class class(1: class class),
  void _call(), oneway void _invoke(),
}
"""
TYPES_AND_METHODS = """
include "base.thrift"
typedef i32 Num
enum Color { RED, GREEN }
enum Odd { __A, _b_, is_integer, _missing_, from, Alias = 0, self = 7, __init__ = 9 }
struct Item {
  1: i32 print, 2: Item match, 3: i32 type, 4: i32 cls, 5: i32 __x, 6: i32 __init__,
  7: i32 __slots__, 8: i32 __fields__, 9: i32 _pie_reader, 10: list<i32> tuple,
}
struct __Hidden { 1: i32 a }
const __Hidden __HIDDEN = {"a": 3}
service Shop {
  Item Item(1: Item Item, 2: list<Num> n), Num Num(1: Num Num),
  Color Color(1: map<Item, Color> tints, 2: Color Color = Color.RED),
  void base(1: base.B b), base.B later(1: base.B base, 2: base.E e = base.E.X),
  void close(), void self(1: i32 self, 2: i32 cls), void __init__(1: __Hidden __h), void type(),
  list<Item> list(1: set<Item> set), void Shop(), void methods(), void _t(1: Odd _t),
}
"""
CORNER_FILES = {
    "base.thrift": "struct B {} enum E { X }",
    "dir/list.thrift": '/** Ends in """ and \\ and "quote" */ struct dict { 1: string str }',
}


def files_of(folder, name):
    return generate(load_idl(name, lambda path: (folder / path).read_text()))


def write(files, folder):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def test_generated_text_is_as_recorded(idl_folder):
    """To record it anew: run this file with Python."""
    files = files_of(idl_folder, "demo2.thrift")
    assert files == files_of(idl_folder, "demo2.thrift")
    assert list(files) == ["__init__.py", "base.py", "demo2.py"]
    for path in ("base.py", "demo2.py"):
        assert files[path] == (GOLDEN / f"{path}.txt").read_text()


@pytest.mark.slow
def test_type_checker_linter_and_formatter_accept_it(idl_folder, tmp_path):
    write(files_of(idl_folder, "rich.thrift"), tmp_path / "made" / "rich")
    write(files_of(idl_folder, "demo2.thrift"), tmp_path / "made" / "demo2")
    corners = load_idl("c.thrift", {**CORNER_FILES, "c.thrift": CORNERS}.__getitem__)
    write(generate(corners), tmp_path / "made" / "corners")
    methods = load_idl("m.thrift", {**CORNER_FILES, "m.thrift": TYPES_AND_METHODS}.__getitem__)
    write(generate(methods), tmp_path / "made" / "methods")
    far = load_idl("a.thrift", FAR_FILES.__getitem__)
    write(generate(far), tmp_path / "made" / "far")
    write({"made/__init__.py": ""}, tmp_path)
    (tmp_path / "use.py").write_text(
        "from made.demo2 import demo2\n"
        "class Handler:\n"
        "    def GetItem(self, request: demo2.Demo2Request) -> demo2.Demo2Response:\n"
        "        return demo2.Demo2Response(demo2.Demo2Item(request.ItemId + 1, ItemName='x'))\n"
        "    def Ping(self) -> None: ...\n"
        "    def Forget(self, number: int) -> None: ...\n"
        "handler: demo2.DemoServiceHandler = Handler()\n"
        "def call(client: demo2.DemoServiceClient) -> str:\n"
        "    item = client.GetItem(demo2.Demo2Request(1)).item\n"
        "    return '' if item is None else item.ItemName\n"
        "demo2.Demo2Request('1')  # the one mistake\n"
    )
    environment = {"MYPYPATH": str(SOURCE), "PATH": ""}
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run(
        [*mypy, "use.py", "made"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout.splitlines()[:-1] == [
        'use.py:11: error: Argument 1 to "Demo2Request" has incompatible type "str"; '
        'expected "int"  [arg-type]'
    ], checked.stdout + checked.stderr

    ruff = [sys.executable, "-m", "ruff"]
    rules = ["check", "--isolated", "--ignore-noqa", "--select", "E,F,I,UP,B,S102,S307"]
    rules += ["--ignore", "E501,E741", "--target-version", "py311", "made/demo2", "made/rich"]
    for command in (rules, ["format", "--isolated", "--diff", "--line-length=100", "made/demo2"]):
        checked = subprocess.run(
            [*ruff, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout


def test_names_that_python_has_for_itself():
    made = load_module(CORNERS, CORNER_FILES)
    value = made.class_(from_=1, self_="x", list=made.list_.dict())
    assert value.None_ is made.None_.name_
    assert value.huge == float("inf")
    assert value.early == [made.None_.ok]
    assert value.nested == [made._t_(True)]
    assert value.quote == 'a"b\\'
    assert made.FIRST.None_ is made.None_.value_
    assert set() == made.EMPTY
    assert made.Bad(args_="a", with_traceback_="b").args_ == "a"
    assert made.list_.dict.__doc__ == 'Ends in """ and \\ and "quote"'
    calls = []
    client = over(made.floatClient, lambda method, args: calls.append((method.name, args)))
    client.int(1)
    client.list([1])
    client._call_()
    client._invoke_()
    assert [name for name, _ in calls] == ["int", "list", "_call", "_invoke"]
    assert calls[0][1] == made.float_int_args(1, None, 4)


def test_methods_may_be_called_like_types_and_names_may_begin_with_underscores():
    made = load_module(TYPES_AND_METHODS, CORNER_FILES)
    calls = []
    client = over(made.ShopClient, lambda method, args: calls.append((method.name, args)))
    client.Color(tints=[])
    client.later(made.base_.B())
    client._init__(made._HIDDEN)
    assert [name for name, _ in calls] == ["Color", "later", "__init__"]
    assert calls[0][1].Color is made.Color.RED
    assert calls[1][1].e is made.base_.E.X
    assert made.Item(_x=1, _init__=2, _slots__=3, _fields__=4, _pie_reader_=5) != made.Item()
    assert [(member.name, member.value) for member in made.Odd] == [
        ("_A", 0),
        ("_b__", 1),
        ("is_integer_", 2),
        ("_missing__", 3),
        ("from_", 4),
        ("self", 7),
        ("_init___", 9),
    ]
    assert made.Odd.Alias is made.Odd._A


def test_the_text_depends_on_nothing_but_the_idl(tmp_path):
    (tmp_path / "a.thrift").write_text(
        CORNERS.replace('include "dir/list.thrift"', "struct dict {}").replace("list.dict", "dict")
    )
    program = (
        "from pathlib import Path; from pie.thrift import *;"
        "print(generate(load_idl('a.thrift', lambda path: Path(path).read_text())))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1


def test_directories_become_packages_with_relative_imports(tmp_path, monkeypatch):
    files = {
        "idl/shop/cart.thrift": 'include "../common/base.thrift"\ninclude "item.thrift"\n'
        "struct Cart { 1: list<item.Item> items, 2: base.Base base }",
        "idl/shop/item.thrift": 'include "../common/base.thrift"\nstruct Item { 1: base.Base b }',
        "idl/common/base.thrift": "struct Base { 1: string x }",
    }
    made = generate(load_idl("idl/shop/cart.thrift", files.__getitem__))
    assert list(made) == [
        "__init__.py",
        "common/__init__.py",
        "common/base.py",
        "shop/__init__.py",
        "shop/cart.py",
        "shop/item.py",
    ]
    assert "from . import item\nfrom ..common import base\n" in made["shop/cart.py"]
    write(made, tmp_path / "generated_tree")
    monkeypatch.syspath_prepend(tmp_path)
    from generated_tree.common.base import Base
    from generated_tree.shop.cart import Cart
    from generated_tree.shop.item import Item

    assert repr(Cart([Item(Base("1"))])) == "Cart(items=[Item(b=Base(x='1'))], base=None)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("struct A { 1: i32 from, 2: i32 from_ }", "from and from_ are both from_ in Python"),
        (
            "struct SClient {} service S {}",
            "a.thrift:1:8: the name SClient is made for the service S",
        ),
        (
            "struct S_f_args {} service S { void f() }",
            "the name S_f_args is made for the service S",
        ),
    ],
)
def test_names_that_would_be_one_in_python_are_refused(text, message):
    with pytest.raises(IdlError, match=message):
        load_module(text, path="a.thrift")


def test_structs_are_values(demo2):
    response = demo2.Demo2Response(
        demo2.Demo2Item(1, "123"), BaseResp=demo2.base.BaseResp("SUCCESS", 0)
    )
    assert repr(response) == (
        "Demo2Response(item=Demo2Item(ItemId=1, ItemName='123'), "
        "BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))"
    )
    assert response == copy.deepcopy(response)
    assert response != demo2.Demo2Response()
    assert demo2.Demo2Request(1) != demo2.Demo2Item(1)
    assert inspect.getdoc(demo2.Demo2Item) == "A thing\nwith a name."
    with pytest.raises(AttributeError):
        response.itme = 1
    with pytest.raises(TypeError, match="has no hash"):
        hash(response)


def test_a_struct_may_contain_itself_and_still_be_shown(rich):
    loop = rich.Rich(text="x")
    loop.inner = loop
    assert "inner=..., " in repr(loop)


def test_exceptions_can_be_raised_compared_and_pickled(demo2, monkeypatch):
    error = demo2.NotFound(7, "no item 7")
    with pytest.raises(demo2.NotFound, match="ItemId=7, message='no item 7'"):
        raise error
    assert error == demo2.NotFound(7, "no item 7")
    assert len({error, demo2.NotFound(7, "no item 7")}) == 1
    monkeypatch.setitem(sys.modules, demo2.__name__, demo2)
    assert pickle.loads(pickle.dumps(error)) == error


def test_defaults_are_of_ones_own(rich):
    one, other = rich.Defaults(), rich.Defaults()
    one.leaf.tags.append("y")
    one.colors.clear()
    assert other.leaf == rich.LEAF == rich.Leaf(7, ["x"])
    assert other == rich.Defaults(
        100,
        rich.Color.GREEN,
        [rich.Color.RED, rich.Color.GREEN],
        rich.Leaf(7, ["x"]),
        1.0,
        set(),
        True,
        b"raw",
        {"k": [1, 2]},
    )


def test_constants_and_typedefs(rich):
    assert (rich.LIMIT, rich.GREETING, rich.WORDS) == (100, 'say "hi"\n', ["a", "b"])
    assert rich.SIZES == {"small": 1, "large": 100}
    assert {rich.Color.RED} == rich.WARM
    assert rich.ItemId is int
    assert rich.Leaves == list[rich.Leaf]


def test_services_describe_themselves(rich, idl_folder):
    assert rich.Child.name == "Child"
    assert list(rich.Child.methods) == ["Echo", "Mix"]
    mix, echo = rich.Child.methods["Mix"], rich.Child.methods["Echo"]
    assert (mix.service, mix.oneway, mix.exceptions) == ("Child", False, (rich.Broken,))
    assert mix.returns.cls is rich.Rich
    assert echo.service == "Parent"
    assert rich.Child.idl == (idl_folder / "rich.thrift").read_text()
    assert set(rich.Child.idl_files) == {"rich.thrift", "base.thrift"}
    again = load_idl(rich.Child.idl_path, rich.Child.idl_files.__getitem__)
    assert again.root == "rich.thrift"


def test_clients_call_through_one_function(rich):
    calls = []

    def invoke(method, args):
        calls.append((method.name, args))
        return "answer"

    client = over(rich.ChildClient, invoke)
    assert client.Echo("x") == "answer"
    assert client.Mix(rich=rich.Rich(), more=[]) == "answer"
    assert calls == [
        ("Echo", rich.Parent_Echo_args("x", 1)),
        ("Mix", rich.Child_Mix_args(rich.Rich(), [])),
    ]
    assert rich.Child.methods["Mix"].arguments(calls[1][1]) == (rich.Rich(), [])


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for file, content in files_of(Path(__file__).parents[1] / "files", "demo2.thrift").items():
        if content:
            (GOLDEN / f"{file}.txt").write_text(content)


CODES = """
service Base { void old() } (pie.failure_codes = "7000..7001")
service Shop extends Base {
  void plain(),
  void buy(1: i32 n) (pie.failure_codes = "1410,1500..1502"),
} (pie.failure_codes = "5000..5999")
service Free { void give() (other.annotation = "1410") }
"""


@pytest.mark.parametrize("made", ["generated", "dynamic"])
def test_codes_that_count_as_failures(made):
    """A service's hold for its own functions, a function's come on top."""
    if made == "generated":
        module = load_module(CODES)
        shop, free = module.Shop, module.Free
    else:
        found = services(load_idl("a.thrift", {"a.thrift": CODES}.__getitem__))
        shop, free = found["Shop"], found["Free"]
    own = range(5000, 6000)
    assert failure_codes_of(shop) == {
        "old": (range(7000, 7002),),
        "plain": (own,),
        "buy": (own, range(1410, 1411), range(1500, 1503)),
    }
    assert failure_codes_of(free) == {}
