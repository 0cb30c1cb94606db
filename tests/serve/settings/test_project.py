"""``pie.toml``: settings of a service that lies in no workspace."""

from pathlib import Path
from types import ModuleType

import pytest

from pie.serve.settings.keys import SettingsError
from pie.serve.settings.loading import load_settings, settings_of
from pie.serve.settings.project import NO_PROJECT, find_project, parse_project
from pie.serve.workspace import Workspace

PSM = "acme.shop.web"
TEXT = """
psm = "acme.shop.web"
port = 8000
owners = ["someone"]
drain_seconds = 5
platform = "http://pie.example.org:8790"
token_file = "secrets/service.token"
log_root = "/var/log/pie"
"""


def test_its_keys_are_those_of_settings_in_lower_case(tmp_path: Path) -> None:
    loaded = load_settings(None, {}, project=parse_project(tmp_path / "pie.toml", TEXT))
    found = loaded.settings
    assert (found.PSM, found.PORT, found.OWNERS, found.DRAIN_SECONDS) == (
        PSM, 8000, ("someone",), 5.0,
    )  # fmt: skip
    assert (loaded.sources["PORT"], loaded.sources["HOST"]) == ("pie.toml", "default")


def test_everything_else_overrides_it(tmp_path: Path) -> None:
    project = parse_project(tmp_path / "pie.toml", 'psm = "a.b.c"\nport = 1\nthreads = 1\nenv="x"')
    module = ModuleType("settings")
    module.PORT, module.THREADS = 2, 2
    loaded = load_settings(module, {"PIE_THREADS": "3"}, {"ENV": "y"}, project)
    assert (loaded.settings.PSM, loaded.settings.PORT) == ("a.b.c", 2)
    assert (loaded.settings.THREADS, loaded.settings.ENV) == (3, "y")
    assert settings_of("d.e.f", {}, project).settings.PSM == "d.e.f"
    assert settings_of("d.e.f", {}, project).settings.ENV == "x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('pms = "a.b.c"', "pie.toml: unknown setting pms; did you mean psm?"),
        ('PSM = "a.b.c"', "pie.toml: unknown setting PSM; did you mean psm?"),
        ('psm = "one"', "pie.toml: psm is 'one'; write product.subsystem.module"),
        ('psm = "a.b.c"\nport = "x"', "pie.toml: port is 'x'; write a whole number"),
        ("port = 1", 'pie.toml: psm is missing; write psm = "product.subsystem.module"'),
        ("platform = 1", "pie.toml: platform is 1; write a text in quotes"),
        ("psm = a.b.c", "pie.toml: Invalid"),
        ("psm = a.b.c", 'a text in quotes: psm = "acme.shop.web"'),
        ('[pie]\npsm = "a.b.c"', "pie.toml has no sections: write the keys of [pie] without"),
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {}, project=parse_project(tmp_path / "pie.toml", text))
    assert words in str(caught.value)


def test_without_any_the_error_says_where_a_psm_can_stand() -> None:
    with pytest.raises(SettingsError, match=r"into pie\.toml beside the code, or set PIE_PSM"):
        load_settings(None, {})
    assert load_settings(None, {"PIE_PSM": PSM}).settings.PSM == PSM


def test_the_nearest_one_counts(tmp_path: Path) -> None:
    code = tmp_path / "shop" / "web"
    code.mkdir(parents=True)
    assert find_project(code) == NO_PROJECT
    (tmp_path / "pie.toml").write_text(TEXT)
    assert find_project(code).path == tmp_path / "pie.toml"
    (code / "pie.toml").write_text('psm = "a.b.c"')
    assert find_project(code).settings == {"PSM": "a.b.c"}


def test_it_says_where_the_platform_and_the_logs_are(tmp_path: Path) -> None:
    code = tmp_path / "web"
    code.mkdir()
    (tmp_path / "pie.toml").write_text(TEXT)
    found = Workspace.from_environment({}, code)
    assert found.root == tmp_path
    assert found.platform == "http://pie.example.org:8790"
    assert found.log_root == Path("/var/log/pie")
    assert found.token_file == tmp_path / "secrets" / "service.token"
    environ = {"PIE_PLATFORM": "http://h:1", "PIE_LOG_ROOT": "/logs", "PIE_TOKEN_FILE": "/t"}
    given = Workspace.from_environment(environ, code)
    assert given.platform == "http://h:1"
    assert (given.log_root, given.token_file) == (Path("/logs"), Path("/t"))


def test_a_workspace_around_it_stays_the_root(tmp_path: Path) -> None:
    code = tmp_path / "app" / "web"
    code.mkdir(parents=True)
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "workspace.yml").write_text("platform: http://127.0.0.1:10\n")
    (code / "pie.toml").write_text('psm = "a.b.c"\nlog_root = "logs"')
    found = Workspace.from_environment({}, code)
    assert (found.root, found.platform) == (tmp_path, "http://127.0.0.1:10")
    assert found.log_root == code / "logs"


def test_an_address_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pie.toml").write_text('platform = "pie.example.org"')
    with pytest.raises(SettingsError, match=r"pie\.toml: platform is 'pie\.example\.org'; write"):
        Workspace.from_environment({}, tmp_path)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    def token(file: Path) -> str:
        given = {"RUNTIME_ROOT": str(tmp_path), "PIE_TOKEN_FILE": str(file)}
        return Workspace.from_environment(given).token()

    assert token(tmp_path / "not" / "yet") == ""
    with pytest.raises(IsADirectoryError) as caught:  # As root reads what nobody may.
        token(tmp_path)
    assert f"the token file {tmp_path} cannot be read (Is a directory)" in str(caught.value)
    assert "PIE_TOKEN_FILE" in str(caught.value)
