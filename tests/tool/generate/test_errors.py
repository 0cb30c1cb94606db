"""What a person can get wrong: each is said with what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
FLASK = "--type flask --psm toutiao.my.api --prefix my/api"
SERVER = "--type thriftserver --idl demo2.thrift --psm toutiao.my.server --prefix my/server"


def refused(done: Result) -> str:
    """What was said to a wrong command line."""
    assert done.exit_code in (1, 2), done.output
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.output.startswith("Welcome to Pie")
    return done.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--type flask --prefix my/api", "--psm toutiao.my.api"),
        ("--type flask --psm toutiao.my --prefix my/api", "'toutiao.my' is not a PSM"),
        ("--type flask --psm Toutiao.My.Api --prefix my/api", "is not a PSM"),
        ("--type flask --psm a.b.c", "--prefix is needed"),
        ("--type flask --psm a.b.c --prefix /tmp/x", "write it like my/api"),
        ("--type flask --psm a.b.c --prefix ../x", "write it like my/api"),
        ("--type flask --psm a.b.c --prefix app/my/api", "write --prefix my/api"),
        ("--type flask --psm a.b.c --prefix my/my-api", "'my-api' is no Python name"),
        ("--type flask --psm a.b.c --prefix my/import", "'import' is a word of Python"),
        ("--type flask --psm a.b.c --prefix .", "is empty"),
        ("--type flask --psm a.b.c --prefix my/api --idl x.thrift", "not for flask"),
        ("--type flask --psm a.b.c --prefix my/api --target a.b.c", "not for flask"),
        ("--type flsk --psm a.b.c --prefix my/api", "'flask', 'django', 'thriftserver'"),
        ("--type thriftserver --psm a.b.c --prefix my/server", "needs --idl"),
        ("--type thriftclient --prefix my/deep/test --idl demo2.thrift", "--psm is needed"),
        (
            "--type thriftclient --prefix my/t --idl demo2.thrift --target a/b",
            "--target: 'a/b' is not a PSM",
        ),
        ("--type thriftclient --prefix my/t --idl demo2.thrift --output o", "instead of --prefix"),
        ("--type flask --psm a.b.c --prefix my/api --root nowhere", "is no folder"),
    ],
)
def test_wrong_command_lines(workspace: Path, pietool: Run, line: str, said: str) -> None:
    assert said in refused(pietool(line))
    assert list((workspace / "app").iterdir()) == []


def test_outside_of_a_workspace(
    tmp_path: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(pietool(FLASK))
    assert "pie init DIR" in said
    assert "--root DIR" in said
    monkeypatch.setenv("RUNTIME_ROOT", str(tmp_path / "gone"))
    assert "RUNTIME_ROOT is" in refused(pietool(FLASK))


def test_a_missing_idl_names_where_it_was_looked_for_and_the_nearest(
    workspace: Path, pietool: Run
) -> None:
    said = refused(pietool(SERVER.replace("demo2", "demo22")))
    assert str(workspace / "lib/idl") in said
    assert "did you mean demo2.thrift?" in said
    assert "did you mean demo2.thrift?" in refused(pietool(SERVER.replace("2.thrift", "2")))


def test_a_wrong_idl_names_file_line_and_column(workspace: Path, pietool: Run) -> None:
    (workspace / "lib/idl/shop.thrift").write_text("struct Item {\n  1: i33 id\n}\n")
    said = refused(pietool(SERVER.replace("demo2", "shop")))
    assert "lib/idl/shop.thrift:2:6: unknown type i33" in said


def test_a_missing_include(workspace: Path, pietool: Run) -> None:
    (workspace / "lib/idl/shop.thrift").write_text('include "bse.thrift"\nservice S {}\n')
    said = refused(pietool(SERVER.replace("demo2", "shop")))
    assert "lib/idl/shop.thrift:1:" in said
    assert "did you mean base.thrift?" in said


def test_an_idl_that_is_no_text_or_has_no_service(workspace: Path, pietool: Run) -> None:
    (workspace / "lib/idl/shop.thrift").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in refused(pietool(SERVER.replace("demo2", "shop")))
    (workspace / "lib/idl/shop.thrift").write_text("struct Item {}")
    assert "defines no service" in refused(pietool(SERVER.replace("demo2", "shop")))


def test_an_idl_that_names_a_wrong_psm(workspace: Path, pietool: Run) -> None:
    (workspace / "lib/idl/shop.thrift").write_text('service Shop {} (psm = "shop")')
    said = refused(pietool("--type thriftclient --prefix my/test --idl shop.thrift"))
    assert "shop.thrift:1:9: psm of Shop: 'shop' is not a PSM" in said


def test_an_included_file_may_lie_beside_or_in_lib_idl(workspace: Path, pietool: Run) -> None:
    beside = workspace / "work"
    beside.mkdir()
    (beside / "part.thrift").write_text("struct Part { 1: i32 id }")
    (beside / "shop.thrift").write_text(
        'include "part.thrift"\ninclude "base.thrift"\n'
        "struct Wish { 1: part.Part part, 255: base.Base Base }\n"
        "service Shop { void Buy(1: Wish wish) }"
    )
    done = pietool("--type thriftclient --prefix my/test --idl work/shop.thrift --target a.b.c")
    assert done.exit_code == 0, done.output


def test_a_prefix_in_use(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    assert "app/my/api is toutiao.my.api, not toutiao.my.other" in refused(
        pietool("--type flask --psm toutiao.my.other --prefix my/api")
    )
    assert "was made with --type flask" in refused(
        pietool("--type django --psm toutiao.my.api --prefix my/api")
    )
    assert "inside the service app/my/api" in refused(
        pietool("--type flask --psm toutiao.my.deep --prefix my/api/deep")
    )
    assert "would hold the service app/my/api" in refused(
        pietool("--type flask --psm toutiao.my.all --prefix my")
    )


def test_a_psm_in_use(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    said = refused(pietool("--type flask --psm toutiao.my.api --prefix my/copy"))
    assert "it is app/my/api" in said


def test_a_server_keeps_its_service(workspace: Path, pietool: Run) -> None:
    pietool(SERVER)
    said = refused(pietool(SERVER.replace("demo2", "demo_test")))
    assert "serves DemoService of demo2.thrift" in said


def test_a_persons_file_where_a_generated_one_goes(workspace: Path, pietool: Run) -> None:
    mine = workspace / "app/my/server/pyrpc/demo2.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("print('mine')\n")
    assert "was not made by pietool" in refused(pietool(SERVER))
    assert mine.read_text() == "print('mine')\n"
    assert not (workspace / "app/my/server/handler.py").exists()


def test_a_folder_where_a_file_goes(workspace: Path, pietool: Run) -> None:
    (workspace / "app/my/api/views.py").mkdir(parents=True)
    assert "something else exists" in refused(pietool(FLASK))
    (workspace / "app/my/api/views.py").rmdir()
    (workspace / "app/my/api").rmdir()
    (workspace / "app/my/api").write_text("")
    assert "app/my/api" in refused(pietool(FLASK))


def test_two_idl_files_of_one_name(workspace: Path, pietool: Run) -> None:
    pietool("--type thriftclient --prefix my/test --idl demo2.thrift --target a.b.c")
    other = workspace / "work"
    other.mkdir()
    (other / "base.thrift").write_text("struct Other {}")
    (other / "shop.thrift").write_text('include "base.thrift"\nservice Shop { void Buy() }')
    said = refused(pietool("--type thriftclient --prefix my/test --idl work/shop.thrift"))
    assert "pyrpc/base.py stands for lib/idl/base.thrift" in said
    assert "rename one" in said


def test_a_broken_manifest(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    (workspace / "app/my/api/.pietool.json").write_text("{")
    assert "Restore it, or remove it" in refused(pietool(FLASK))


def test_a_file_that_hides_a_module_of_pythons_own(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    (workspace / "app/my/api/logging.py").write_text("")
    assert "hides Python's own module logging" in pietool(FLASK).output
