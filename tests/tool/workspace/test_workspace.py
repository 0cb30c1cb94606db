"""``pie init`` and ``pie update``: the workspace, and its scripts as shells run them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

import pie

Run = Callable[..., Result]
SOURCE = Path(pie.__file__).resolve().parents[1]
SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh", "ksh") if shutil.which(shell)]


def shell(command: str, cwd: Path, with_: str = "sh") -> str:
    """What a command prints, run as a person would; the tree under test is Pie."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(SOURCE),
        "HOME": str(cwd),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [with_, "-c", command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_speaks_one_language(
    tmp_path: Path, pie_init: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    for word in ("新建", "保留"):
        said = pie_init(tmp_path / "toutiao").output
        assert f"  ✓ {word}            app/\n" in said
        assert "made" not in said
        assert "kept" not in said
        assert "下一步:" in said


def test_everything_that_the_seed_names_is_there(workspace: Path) -> None:
    for folder in ("app", "conf/app", "conf/rpc/services", "lib/idl"):
        assert (workspace / folder).is_dir(), folder
    for folder in ("app", "rpc", "python", "run", "uwsgi", "facts"):
        assert (workspace / "log" / folder).is_dir(), folder
    assert (workspace / "log").readlink() == Path("toutiao/log")
    for script in ("pietool", "update.sh", "bin/python", "bin/pie"):
        assert os.access(workspace / "runtime" / script, os.X_OK), script
    assert {path.name for path in (workspace / "lib/idl").iterdir()} == {
        "base.thrift",
        "demo2.thrift",
        "demo_test.thrift",
    }
    assert yaml.safe_load((workspace / "runtime/workspace.yml").read_text()) == {
        "product": "toutiao",
        "platform": "http://127.0.0.1:8790",
        "repositories": [],
    }


def test_a_line_for_each_thing_and_what_to_do_next(tmp_path: Path, pie_init: Run) -> None:
    root = tmp_path / "toutiao"
    first = pie_init(root).output
    assert "✓ made            lib/idl/" in first
    assert f"  cd {root} && . runtime/env.sh\n" in first
    assert "  pie up\n" in first
    again = pie_init(root).output
    assert "made" not in again
    assert "✓ kept            runtime/env.sh" in again


def test_what_was_edited_is_kept_and_what_was_deleted_is_made_again(
    workspace: Path, pie_update: Run
) -> None:
    (workspace / "runtime/env.sh").write_text("# mine\n")
    (workspace / "lib/idl/demo2.thrift").unlink()
    (workspace / "runtime/bin/python").unlink()
    done = pie_update()
    assert done.exit_code == 0, done.output
    assert "kept            runtime/env.sh  (edited by you)" in done.output
    assert (workspace / "runtime/env.sh").read_text() == "# mine\n"
    assert os.access(workspace / "runtime/bin/python", os.X_OK)
    assert not (workspace / "lib/idl/demo2.thrift").exists(), "a sample that was thrown away"


def test_update_refreshes_the_python(workspace: Path, pie_update: Run) -> None:
    script = workspace / "runtime/bin/python"
    (workspace / "runtime/venv").unlink()
    (workspace / "runtime/venv").symlink_to("/gone")
    text = script.read_text()
    assert sys.executable in text
    assert pie_update(workspace / "lib/idl").exit_code == 0
    assert (workspace / "runtime/venv").readlink() == Path(sys.prefix)


@pytest.mark.parametrize("with_", SHELLS)
def test_the_scripts_in_a_path_with_spaces_after_a_move(
    tmp_path: Path, pie_init: Run, with_: str
) -> None:
    pie_init(tmp_path / "it's one", "--product", "toutiao")
    root = (tmp_path / "it's one").rename(tmp_path / "it's another")
    show = "-c 'import os; print(os.environ[\"RUNTIME_ROOT\"])'"
    assert shell(f"./runtime/bin/python {show}", root, with_) == f"{root}\n"
    assert shell(f"../bin/python {show}", root / "runtime/run", with_) == f"{root}\n"
    sourced = shell(
        f'. runtime/env.sh && cd / && echo "$RUNTIME_ROOT" && python {show}', root, with_
    )
    assert sourced == f"{root}\n{root}\n"
    said = shell("./runtime/pietool --type flask --psm toutiao.my.api --prefix my/api", root, with_)
    assert f"app directory: {root}/app/my/api" in said
    said = shell(
        "cd / && '" + str(root / "runtime/update.sh").replace("'", "'\\''") + "'", root, with_
    )
    assert said.startswith(f"workspace {root} ")


def test_sourcing_twice_adds_to_the_path_once(workspace: Path) -> None:
    path = shell('. runtime/env.sh; . runtime/env.sh; echo "$PATH"', workspace).strip()
    assert path.split(":").count(f"{workspace}/runtime/bin") == 1


def test_files_in_the_current_folder_do_not_become_pietools_modules(workspace: Path) -> None:
    (workspace / "yaml.py").write_text("raise SystemExit('taken for the real one')\n")
    shell("./runtime/pietool --type flask --psm toutiao.my.api --prefix my/api", workspace)


def test_a_python_that_is_gone_is_reported(workspace: Path) -> None:
    script = workspace / "runtime/bin/python"
    script.write_text(script.read_text().replace(sys.executable, "/gone/python"))
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "/gone/python is not there any more" in done.stderr
    assert "pie update" in done.stderr


def test_product_and_platform(tmp_path: Path, pie_init: Run) -> None:
    done = pie_init(tmp_path / "My-Work")
    assert done.exit_code == 1
    assert "'My-Work'" in done.output
    assert "--product NAME" in done.output
    assert not (tmp_path / "My-Work").exists()
    assert "--product" not in pie_init(tmp_path / "work", "--product", "To.u").output
    assert "is not an address" in pie_init(tmp_path / "work", "--platform", "localhost").output
    done = pie_init(tmp_path / "work", "--product", "on", "--platform", "https://pie.example:8790")
    assert done.exit_code == 0, done.output
    config = yaml.safe_load((tmp_path / "work/runtime/workspace.yml").read_text())
    assert (config["product"], config["platform"]) == ("on", "https://pie.example:8790")
    assert (tmp_path / "work/on/log/rpc").is_dir()
    said = pie_init(tmp_path / "work", "--product", "other")
    assert said.exit_code == 1
    assert "edit" in said.output
    assert "runtime/workspace.yml" in said.output


def test_places_where_no_workspace_can_be(tmp_path: Path, workspace: Path, pie_init: Run) -> None:
    inside = pie_init(workspace / "app/inner")
    assert inside.exit_code == 1
    assert f"inside the workspace {workspace}" in inside.output
    (tmp_path / "file").write_text("")
    assert "is a file" in pie_init(tmp_path / "file").output
    below = pie_init(tmp_path / "file/below")
    assert below.exit_code == 1
    assert isinstance(below.exception, SystemExit)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/app").write_text("")
    odd = pie_init(tmp_path / "odd")
    assert odd.exit_code == 1
    assert "a file is in its place" in odd.output


def test_another_product_takes_the_link_along(workspace: Path, pie_update: Run) -> None:
    marker = workspace / "runtime/workspace.yml"
    marker.write_text(marker.read_text().replace("product: toutiao", "product: other"))
    assert pie_update().exit_code == 0
    assert (workspace / "log").readlink() == Path("other/log")
    assert (workspace / "log/rpc").is_dir()
    (workspace / "log").unlink()
    (workspace / "log").symlink_to(workspace.parent)
    assert pie_update().exit_code == 0
    assert (workspace / "log").readlink() == workspace.parent, "a link of somebody else"


def test_update_outside_of_a_workspace(
    tmp_path: Path, pie_update: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = pie_update()
    assert done.exit_code == 1
    assert "is no workspace" in done.output
    assert "pie init DIR" in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("product: [", "cannot be read"),
        ("", "Expected `object`"),
        ("platform: http://x", "`product`"),
        ("product: toutiao\nplatfrom: http://x", "`platfrom`"),
        ("product: Tou", "'Tou'"),
        ("product: toutiao\nplatform: x", "is not an address"),
        ("product: toutiao\nrepositories: [{url: x}]", "`path`"),
    ],
)
def test_a_wrong_marker_file(workspace: Path, pie_update: Run, text: str, said: str) -> None:
    (workspace / "runtime/workspace.yml").write_text(text)
    done = pie_update()
    assert done.exit_code == 1
    assert said in done.output
    assert "workspace.yml" in done.output
    assert "Traceback" not in done.output
