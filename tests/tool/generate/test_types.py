"""Generated code passes a strict type checker and a linter, whatever the IDL calls things."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import pie

Run = Callable[..., Result]
SOURCE = Path(pie.__file__).resolve().parents[1]
KINDS = {
    "my/api": "--type flask --psm toutiao.my.api --prefix my/api",
    "my/site": "--type django --psm toutiao.my.site --prefix my/site",
    "my/server": "--type thriftserver --idl demo2.thrift --psm toutiao.my.server "
    "--prefix my/server",
    "my/test": "--type thriftclient --prefix my/test --idl demo_test.thrift",
}

HARD = """
include "base.thrift"
include "other.thrift"

typedef list<Item> Items
enum Colour { RED = 1, GREEN = 2 }
struct Nothing {}
struct Item { 1: required i64 id, 2: string name = "x", 3: optional Item next, 4: other.Item far }
struct Get { 1: required Colour colour, 2: double price, 3: binary raw, 4: bool yes, 5: Nothing no }
struct dict { 1: set<i32> numbers, 2: map<string, Item> items, 3: required Items all }
struct Wide {
    1: Item first_of_many, 2: Item second_of_many, 3: Item third_of_many, 4: Item fourth_of_many,
    255: base.BaseResp BaseResp,
}
union Either { 1: Item item, 2: i32 number }
exception Gone { 1: string why }
service Parent { oneway void Ping(1: i32 id), Wide Wide(1: Wide Wide) }
service Hard extends Parent {
    Get Get(1: Get Get, 2: optional Item item) throws (1: Gone gone),
    dict dict(1: list<Item> items, 2: i32 limit = 10),
    Either Either(1: Either either),
    Items Items(1: Items from),
    void class(1: set<i32> self),
    other.Item other(1: other.Item base),
    map<string, list<Item>> VeryLongNamesMakeLinesThatMustBeCut(
        1: Item the_first_argument, 2: Item the_second_argument),
    Nothing None_(),
    uuid Id(1: uuid uuid),
}
"""


def check(folder: Path, cache: Path) -> None:
    environment = dict(os.environ)
    if SOURCE.name != "site-packages":  # There mypy finds Pie by itself.
        environment["MYPYPATH"] = str(SOURCE)
    mypy = ["mypy", "--strict", "--cache-dir", str(cache), "."]
    ruff = ["ruff", "check", "--isolated", "--no-cache", "."]
    for command in (mypy, ruff):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)} in {folder}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("prefix", KINDS)
def test_all_four_types(workspace: Path, pietool: Run, prefix: str, cache: Path) -> None:
    assert pietool(KINDS[prefix]).exit_code == 0
    check(workspace / "app" / prefix, cache)


def test_the_linter_run_from_the_root(workspace: Path, pietool: Run) -> None:
    for line in KINDS.values():
        pietool(line)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "."]
    done = subprocess.run(ruff, cwd=workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_names_of_an_idl_that_collide(workspace: Path, pietool: Run, cache: Path) -> None:
    (workspace / "lib/idl/hard.thrift").write_text(HARD)
    (workspace / "lib/idl/other.thrift").write_text("struct Item { 1: required string name }")
    line = "--type thriftserver --psm toutiao.my.hard --prefix my/hard --service Hard"
    done = pietool(f"{line} --idl hard.thrift")
    assert done.exit_code == 0, done.output
    check(workspace / "app/my/hard", cache)
    answers = subprocess.run(
        [sys.executable, "-c", _ANSWER_ALL], cwd=workspace / "app/my/hard",
        env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answers.returncode == 0, answers.stderr
    assert answers.stdout.split() == [
        "Ping", "Wide", "Get", "dict", "Either", "Items", "class", "other",
        "VeryLongNamesMakeLinesThatMustBeCut", "None_", "Id",
    ]  # fmt: skip


def test_example_calls_of_an_idl_whose_names_collide(
    workspace: Path, pietool: Run, cache: Path
) -> None:
    (workspace / "lib/idl/hard.thrift").write_text(HARD)
    (workspace / "lib/idl/other.thrift").write_text("struct Item { 1: required string name }")
    done = pietool("--type thriftclient --prefix my/hard --idl hard.thrift")
    assert done.exit_code == 0, done.output
    check(workspace / "app/my/hard", cache)


_ANSWER_ALL = """
import sys
sys.path.insert(0, "")
from handler import Handler
from pie.thrift import FRAMED, encode_reply
from pyrpc.hard import Hard
handler = Handler()
for method in Hard.methods.values():
    arguments = [None] * len(method.args.__fields__)
    value = getattr(handler, method.attr)(*arguments)
    if not method.oneway:
        encode_reply(method, method.success(value), 1, FRAMED)
    print(method.name)
"""
