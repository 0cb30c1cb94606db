"""What pietool makes, and what it says."""

import ast
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from pie.serve.settings.keys import Settings

Run = Callable[..., Result]
FLASK = "--type flask --psm toutiao.my.api --prefix my/api"
DJANGO = "--type django --psm toutiao.my.site --prefix my/site"
SERVER = "--type thriftserver --idl demo2.thrift --psm toutiao.my.server --prefix my/server"
CLIENT = "--type thriftclient --prefix my/test --idl demo_test.thrift"


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_flask_service(workspace: Path, pietool: Run) -> None:
    done = pietool(FLASK)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[:3] == [
        "Welcome to Pie; documentation: docs/pietool.md, or pietool -h",
        f"app directory: {workspace}/app/my/api",
        f"uwsgi configuration: {workspace}/conf/app/uwsgi_toutiao.my.api.xml",
    ]
    assert "done" in lines
    assert lines[-1] == "run it: python app/my/api/bootstrap.py"
    assert files_below(workspace / "app") == {
        "my/api/bootstrap.py",
        "my/api/settings.py",
        "my/api/views.py",
    }
    assert files_below(workspace / "conf") == {
        "app/uwsgi_toutiao.my.api.xml",
        "app/service-toutiao.my.api.yml",
    }


def test_a_django_service_is_an_ordinary_django_project(workspace: Path, pietool: Run) -> None:
    assert pietool(DJANGO).exit_code == 0
    folder = workspace / "app/my/site"
    assert {"bootstrap.py", "settings.py", "manage.py", "views.py"} <= files_below(folder)
    assert {"project/settings.py", "project/urls.py"} <= files_below(folder)
    for name in ("project/settings.py", "project/urls.py", "views.py", "manage.py"):
        assert "pie" not in (folder / name).read_text(), name
    manage = ["./runtime/bin/python", str(folder / "manage.py"), "check", "--fail-level", "WARNING"]
    checked = subprocess.run(manage, cwd=workspace, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_two_django_projects_have_keys_of_their_own_and_keep_them(
    workspace: Path, pietool: Run
) -> None:
    settings = [workspace / f"app/my/{name}/project/settings.py" for name in ("site", "shop")]
    pietool(DJANGO)
    pietool("--type django --psm toutiao.my.shop --prefix my/shop")
    before = [path.read_text() for path in settings]
    assert before[0] != before[1]
    assert "renewed" not in pietool(DJANGO).output
    assert [path.read_text() for path in settings] == before


def test_a_thrift_server_and_its_own_client(workspace: Path, pietool: Run) -> None:
    done = pietool(SERVER)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[1:3] == ["my/server", "Start generating..."]
    assert f"service code: {workspace}/app/my/server" in lines
    assert f"client code: {workspace}/app/my/server/pyrpc" in lines
    assert f"service configuration: {workspace}/conf/app/service-toutiao.my.server.yml" in lines
    assert f"RPC configuration: {workspace}/conf/rpc/services/DemoService.yml" in lines
    handler = (workspace / "app/my/server/handler.py").read_text()
    assert "def GetItem(self, req: Demo2Request) -> Demo2Response:" in handler
    imported = [n.module for n in ast.walk(ast.parse(handler)) if isinstance(n, ast.ImportFrom)]
    assert imported == ["pyrpc.demo2"]
    target = yaml.safe_load((workspace / "conf/rpc/services/DemoService.yml").read_text())
    assert target == {
        "service": "DemoService",
        "psm": "toutiao.my.server",
        "cluster": "default",
        "addresses": [],
        "transport": "ttheader",
    }
    deployed = yaml.safe_load((workspace / "conf/app/service-toutiao.my.server.yml").read_text())
    assert deployed["psm"] == "toutiao.my.server"
    assert deployed["command"] == "runtime/bin/python app/my/server/bootstrap.py"
    assert deployed["environment"]["PIE_DEBUG"] == "false"


@pytest.mark.parametrize(
    ("kind", "said"), [(FLASK, True), (DJANGO, True), (SERVER, False), (CLIENT, True)]
)
def test_what_is_started_by_hand_shows_its_lines_but_for_a_thrift_service(
    workspace: Path, pietool: Run, kind: str, said: bool
) -> None:
    assert pietool(kind).exit_code == 0
    (settings,) = workspace.glob("app/my/*/settings.py")
    assert re.findall(r"^DEBUG = (\w+)", settings.read_text(), re.M) == [str(said)]
    for path in (workspace / "conf/app").iterdir():  # where it is deployed
        assert re.search(r'PIE_DEBUG: "false"|<env>PIE_DEBUG=false</env>', path.read_text())


def test_a_client_with_a_script_of_its_own(workspace: Path, pietool: Run) -> None:
    done = pietool(CLIENT)
    assert done.exit_code == 0, done.output
    assert "namespace:demo_test, service:DemoTestService" in done.output
    folder = workspace / "app/my/test"
    assert 'PSM = "toutiao.my.test"' in (folder / "settings.py").read_text()
    assert "DemoTestServiceClient()" in (folder / "test.py").read_text()
    assert (folder / "pyrpc/demo_test.py").is_file()
    target = yaml.safe_load((workspace / "conf/rpc/services/DemoTestService.yml").read_text())
    assert target["psm"] == "toutiao.my.server"  # as the IDL says


def test_a_client_inside_of_a_service_brings_nothing_but_itself(
    workspace: Path, pietool: Run
) -> None:
    pietool(FLASK)
    done = pietool("--type thriftclient --prefix my/api --idl demo2.thrift")
    assert done.exit_code == 0, done.output
    assert not (workspace / "app/my/api/test.py").exists()
    assert (workspace / "app/my/api/pyrpc/demo2.py").is_file()
    assert "Fill in psm: in conf/rpc/services/DemoService.yml, or repeat with --target" in (
        done.output
    )
    again = pietool("--type thriftclient --prefix my/api --idl demo2.thrift --target a.legacy.name")
    assert "Fill in" not in again.output
    assert "a.legacy.name" in (workspace / "conf/rpc/services/DemoService.yml").read_text()


def test_the_server_fills_in_what_its_client_left_open(workspace: Path, pietool: Run) -> None:
    file = workspace / "conf/rpc/services/DemoService.yml"
    pietool("--type thriftclient --prefix my/other --idl demo2.thrift")
    assert yaml.safe_load(file.read_text())["psm"] == ""
    assert pietool(SERVER).exit_code == 0
    assert yaml.safe_load(file.read_text())["psm"] == "toutiao.my.server"


def test_a_callee_that_a_person_has_named_stays(workspace: Path, pietool: Run) -> None:
    file = workspace / "conf/rpc/services/DemoService.yml"
    pietool("--type thriftclient --prefix my/test --idl demo2.thrift --target a.b.c")
    mine = file.read_text().replace("cluster: default", "cluster: canary")
    file.write_text(mine)
    done = pietool("--type thriftclient --prefix my/test --idl demo2.thrift --target x.y.z")
    assert "(it names a.b.c, not x.y.z)" in done.output
    assert file.read_text() == mine


def test_clients_without_a_workspace(
    tmp_path: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.thrift").write_text("service Shop { i32 Price(1: i32 id) }")
    line = "--type thriftclient --idl shop.thrift --output mine"
    done = pietool(line)
    assert done.exit_code == 0, done.output
    assert files_below(tmp_path / "mine") == {"pyrpc/__init__.py", "pyrpc/shop.py"}
    assert "new" not in pietool(line).output


def test_included_files_are_found_in_the_folders_given(
    tmp_path: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "shop.thrift": 'include "far.thrift"\nservice Shop { far.Far Get(1: far.Id id) }',
        "one/far.thrift": 'include "base/id.thrift"\ntypedef id.Id Id\nstruct Far { 1: Id id }',
        "two/base/id.thrift": "typedef i64 Id",
        "two/far.thrift": "what is found first counts",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    line = "--type thriftclient --idl shop.thrift --output mine"
    missing = pietool(line)
    assert "shop.thrift:1:9: included file 'far.thrift' is not there" in missing.output
    done = pietool(f"{line} -I one --include two")
    assert done.exit_code == 0, done.output
    assert files_below(tmp_path / "mine") == {
        f"pyrpc/{name}.py" for name in ("__init__", "shop", "far", "base/__init__", "base/id")
    }
    assert pietool("--type flask --psm a.b.c --prefix b/c -I one").exit_code == 2


def test_chinese_where_the_locale_is(
    workspace: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    lines = pietool(FLASK).output.splitlines()
    assert lines[0].startswith("欢迎使用 Pie框架")
    assert lines[1] == f"app目录: {workspace}/app/my/api"
    assert lines[2] == f"uwsgi配置文件路径: {workspace}/conf/app/uwsgi_toutiao.my.api.xml"
    assert "生成结束" in lines
    settings = workspace / "app/my/api/settings.py"
    settings.write_text(settings.read_text() + "VERSION = '1'\n")
    assert "  - 保留  app/my/api/settings.py  (你修改过)" in pietool(FLASK).output.splitlines()
    said = pietool("--type thriftclient --prefix my/api --idl demo2.thrift").output
    assert "DemoServiceClient 调用哪个服务?" in said
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert pietool(FLASK).output.startswith("Welcome to Pie")


def test_help_explains_every_option_with_examples(pietool: Run) -> None:
    text = pietool("-h").output
    for option in ("type", "psm", "prefix", "idl", "service", "target", "dry-run", "diff", "root"):
        assert f"--{option}" in text
    assert "pietool --type thriftserver --psm toutiao.my.server --prefix my/server" in text
    assert "docs/pietool.md" in text


def test_the_workspace_is_found_from_below_by_environment_and_by_option(
    workspace: Path, tmp_path: Path, pietool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace / "lib/idl")
    assert pietool(FLASK).exit_code == 0
    assert (workspace / "app/my/api/views.py").is_file()
    monkeypatch.chdir(tmp_path)
    assert pietool(f"{DJANGO} --root {workspace}").exit_code == 0
    monkeypatch.setenv("RUNTIME_ROOT", str(workspace))
    assert pietool(SERVER).exit_code == 0


@pytest.mark.parametrize("line", [FLASK, SERVER, DJANGO])
def test_every_setting_is_in_the_settings(workspace: Path, pietool: Run, line: str) -> None:
    pietool(line)
    (settings,) = (workspace / "app/my").glob("*/settings.py")
    text = settings.read_text()
    http = {"CACHE", "TRUSTED_PEERS", "LOG_QUERY", "HTTP_SERVER", "PROXY_PROTOCOL"}
    http |= {"BODY_LIMIT", "BODY_MEMORY", "HEAD_SECONDS", "BODY_SECONDS", "WRITE_SECONDS"}
    thrift = {"FRAME_LIMIT", "STATUS_PAGES", "TLS_CERT", "TLS_KEY", "TLS_CA"}
    for key in set(Settings.__struct_fields__) - (http if line == SERVER else thrift):
        assert re.search(rf"^(# )?{key}(: [^=]+)? = ", text, re.MULTILINE), key


def test_an_idl_of_structs_only_makes_no_script(workspace: Path, pietool: Run) -> None:
    done = pietool("--type thriftclient --prefix my/test --idl base.thrift")
    assert done.exit_code == 0, done.output
    assert "base.thrift defines no service: only its structs were generated" in done.output
    assert "run it" not in done.output
    assert files_below(workspace / "app") == {"my/test/pyrpc/__init__.py", "my/test/pyrpc/base.py"}


def test_one_of_several_services(workspace: Path, pietool: Run) -> None:
    idl = workspace / "lib/idl/two.thrift"
    idl.write_text("service One { void Ping() }\nservice Two extends One { i32 Size() }\n")
    both = pietool("--type thriftclient --prefix my/test --idl two.thrift")
    assert both.exit_code == 0, both.output
    assert "service:One" in both.output
    assert "service:Two" in both.output
    server = "--type thriftserver --psm toutiao.my.two --prefix my/two --idl two.thrift"
    unsaid = pietool(server)
    assert unsaid.exit_code == 1
    assert "--service One or --service Two" in unsaid.output
    wrong = pietool(f"{server} --service Twoo")
    assert "did you mean Two?" in wrong.output
    assert pietool(f"{server} --service Two").exit_code == 0
    handler = (workspace / "app/my/two/handler.py").read_text()
    assert "def Ping(self) -> None:" in handler
    assert "def Size(self) -> int:" in handler
    assert pietool(server).exit_code == 0  # the second time it is known which
