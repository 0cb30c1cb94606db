"""A second run: what is generated follows, what a person wrote stays."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pie.tool.files import plan

Run = Callable[..., Result]
FLASK = "--type flask --psm toutiao.my.api --prefix my/api"
SERVER = "--type thriftserver --idl demo2.thrift --psm toutiao.my.server --prefix my/server"
CLIENT = "--type thriftclient --prefix my/test --idl demo_test.thrift"


def contents(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file() and not p.is_symlink()}


def add_method(workspace: Path) -> None:
    idl = workspace / "lib/idl/demo2.thrift"
    text = idl.read_text()
    idl.write_text(text.replace("service DemoService {", "service DemoService {\n    i32 Count(),"))


@pytest.mark.parametrize("line", [FLASK, SERVER, CLIENT])
def test_a_second_run_changes_nothing(workspace: Path, pietool: Run, line: str) -> None:
    pietool(line)
    before = contents(workspace)
    again = pietool(line)
    assert again.exit_code == 0
    assert "new" not in again.output
    assert "renewed" not in again.output
    assert contents(workspace) == before


def test_what_was_edited_is_kept_and_named(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    views = workspace / "app/my/api/views.py"
    views.write_text("mine = True\n")
    again = pietool(FLASK)
    assert "kept     app/my/api/views.py  (edited by you)" in again.output
    assert views.read_text() == "mine = True\n"


def test_what_nobody_edited_follows_the_templates(workspace: Path, pietool: Run) -> None:
    pietool(SERVER)
    add_method(workspace)
    done = pietool(SERVER)
    assert "renewed  app/my/server/handler.py" in done.output
    assert "renewed  app/my/server/pyrpc/demo2.py" in done.output
    assert "def Count(self) -> int:" in (workspace / "app/my/server/handler.py").read_text()


def test_a_method_that_an_edited_handler_lacks_is_printed(workspace: Path, pietool: Run) -> None:
    pietool(SERVER)
    handler = workspace / "app/my/server/handler.py"
    mine = handler.read_text().replace('ItemName=""', 'ItemName="123"')
    handler.write_text(mine)
    add_method(workspace)
    done = pietool(SERVER)
    assert "app/my/server/handler.py lacks the method Count: add" in done.output
    assert "    def Count(self) -> int:\n        return 0" in done.output
    assert handler.read_text() == mine
    assert "Count" in (workspace / "app/my/server/pyrpc/demo2.py").read_text()


def test_a_service_that_was_given_another_psm(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    settings = workspace / "app/my/api/settings.py"
    settings.write_text(settings.read_text().replace("toutiao.my.api", "toutiao.my.front"))
    assert "give --psm toutiao.my.front" in pietool(FLASK).output
    done = pietool(FLASK.replace("my.api", "my.front"))
    assert done.exit_code == 0, done.output
    old = workspace / "conf/app/uwsgi_toutiao.my.api.xml"
    assert f"conf/app/{old.name} was generated under an earlier PSM" in done.output
    assert (workspace / "conf/app/uwsgi_toutiao.my.front.xml").is_file()
    old.unlink()
    assert old.name not in pietool(FLASK.replace("my.api", "my.front")).output


def test_a_generated_module_that_was_edited_is_not_lost(workspace: Path, pietool: Run) -> None:
    pietool(SERVER)
    module = workspace / "app/my/server/pyrpc/demo2.py"
    module.write_text(module.read_text() + "mine = 1\n")
    done = pietool(SERVER)
    assert "edited by hand: your text is now demo2.py.orig" in done.output
    assert "mine" not in module.read_text()
    assert module.with_name("demo2.py.orig").read_text().endswith("mine = 1\n")


def test_a_module_that_no_idl_includes_any_more_goes_away(workspace: Path, pietool: Run) -> None:
    idl = workspace / "lib/idl"
    (idl / "part.thrift").write_text("struct Part { 1: i32 id }")
    (idl / "shop.thrift").write_text(
        'include "part.thrift"\nservice Shop { part.Part Get(1: i32 id) }'
    )
    line = "--type thriftclient --prefix my/test --idl shop.thrift"
    pietool(line)
    pyrpc = workspace / "app/my/test/pyrpc"
    assert (pyrpc / "part.py").is_file()
    (idl / "shop.thrift").write_text("service Shop { i32 Get(1: i32 id) }")
    assert "removed  app/my/test/pyrpc/part.py" in pietool(line).output
    assert not (pyrpc / "part.py").exists()


def test_dry_run_and_diff_write_nothing(workspace: Path, pietool: Run) -> None:
    pietool(SERVER)
    add_method(workspace)
    before = contents(workspace)
    dry = pietool(f"{SERVER} --dry-run")
    assert "renewed  app/my/server/handler.py" in dry.output
    assert "nothing was written (--dry-run)" in dry.output
    diff = pietool(f"{SERVER} --diff")
    assert "+++ b/app/my/server/handler.py" in diff.output
    assert "+    def Count(self) -> int:" in diff.output
    assert contents(workspace) == before


@pytest.mark.parametrize("failing", range(1, 9))
def test_a_full_disk_leaves_nothing_half_written(
    workspace: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before = contents(workspace)
    folders = set(workspace.rglob("*"))
    count = 0

    def fsync(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(plan.os, "fsync", fsync)
    done = pietool(SERVER)
    assert done.exit_code == 1
    assert "No space left on device" in done.output
    assert "Traceback" not in done.output
    assert contents(workspace) == before
    assert set(workspace.rglob("*")) == folders
    monkeypatch.undo()


def test_what_a_killed_run_has_left_is_cleared_away(workspace: Path, pietool: Run) -> None:
    folder = workspace / "app/my/api"
    folder.mkdir(parents=True)
    old, young = folder / ".views.py.abc.tmp", folder / ".views.py.xyz.tmp"
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (0, 0))
    assert pietool(FLASK).exit_code == 0
    assert not old.exists()
    assert young.exists(), "it may belong to a run that is going on"


def test_no_permission_to_write(
    workspace: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    done = pietool(FLASK)
    assert done.exit_code == 1
    assert f"cannot write {workspace}/app/my/api/bootstrap.py: Permission denied" in done.output


def test_a_file_that_a_person_linked_stays_a_link(workspace: Path, pietool: Run) -> None:
    pietool(FLASK)
    views, real = workspace / "app/my/api/views.py", workspace / "lib/views.py"
    views.rename(real)
    views.symlink_to(real)
    real.write_text("mine = True\n")
    assert pietool(FLASK).exit_code == 0
    assert views.is_symlink()
    assert real.read_text() == "mine = True\n"
