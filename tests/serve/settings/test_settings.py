"""Settings: typed, overridable, and clear about what is wrong."""

import socket
from pathlib import Path
from types import ModuleType

import pytest

from pie.serve.listeners import listen
from pie.serve.process import pinned_instances
from pie.serve.settings.keys import KEYS, SettingsError, documentation
from pie.serve.settings.loading import load_settings, settings_of
from pie.serve.settings.masking import masked, masked_url
from pie.serve.settings.options import HELP, help_text, read_options
from pie.serve.up_state import UpState, hold
from pie.serve.workspace import Workspace
from pie.state import Setting


def module(**keys: object) -> ModuleType:
    made = ModuleType("settings")
    made.__file__ = "app/my/settings.py"
    vars(made).update({"PSM": "a.b.c"} | keys)
    return made


def test_defaults() -> None:
    settings = load_settings(module(), {}).settings
    assert (settings.PSM, settings.CLUSTER, settings.HOST) == ("a.b.c", "default", "127.0.0.1")


def test_the_command_line_wins_over_the_environment_over_the_module() -> None:
    environment = {"PIE_PORT": "8000", "PIE_DEBUG": "yes", "PIE_OWNERS": "a, b,"}
    loaded = load_settings(module(PORT=7000, THREADS=3), environment, {"PORT": "9000"})
    settings, sources = loaded.settings, loaded.sources
    assert (settings.PORT, settings.DEBUG, settings.OWNERS) == (9000, True, ("a", "b"))
    assert [sources[key] for key in ("PORT", "DEBUG", "THREADS", "CLUSTER")] == [
        "command line", "environment", "settings.py", "default",
    ]  # fmt: skip


def test_the_environment_is_read_when_the_service_starts(monkeypatch) -> None:
    """So that the top of a bootstrap.py may set it."""
    monkeypatch.setenv("PIE_PORT", "7123")
    assert load_settings(module()).settings.PORT == 7123


def test_the_described_settings_name_every_source_and_no_secret() -> None:
    loaded = load_settings(module(OWNERS=("a", "b")), {"PIE_CACHE": "redis://u:p@ss@h:1/0"})
    described = {each.key: each for each in loaded.described()}
    assert list(described) == list(KEYS)
    assert described["OWNERS"] == Setting("OWNERS", "a, b", "settings.py")
    assert described["CACHE"] == Setting("CACHE", "redis://u:******@h:1/0", "environment")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:p@h/0", "redis://:******@h/0"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://h/0?password=p&db=1", "redis://h/0?password=******&db=1"),
        ("redis://:p/w@h/0", "redis://:******@h/0"),
        ("someone@example.org", "someone@example.org"),
    ],
)
def test_masking(text: str, shown: str) -> None:
    assert masked_url(text) == shown
    assert masked("MY_TOKEN", text) == "******"
    assert masked("MY_TOKEN", "") == ""


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"PROT": 1}, r"unknown setting PROT; did you mean PORT\?"),
        ({"port": 1}, r"unknown setting port; did you mean PORT\?"),
        ({"ZZZ": 1}, "known are PSM"),
        ({"PORT": "http"}, "PORT is 'http'; write a whole number"),
        ({"PORT": "7701"}, "PORT is '7701'; write a whole number"),
        ({"PORT": True}, "PORT is True; write a whole number"),
        ({"PORT": 70000}, "choose 0 to 65535"),
        ({"DEBUG": "False"}, "DEBUG is 'False'; write True or False"),
        ({"HOST": ""}, "write an address"),
        ({"CLUSTER": ""}, "write a name"),
        ({"OWNERS": "me"}, r"OWNERS is 'me'; write names in parentheses: \(\"someone\",\)"),
        ({"STDOUT": "file"}, "STDOUT is 'file'; choose 'road' or 'console'"),
        ({"CACHE": "memcached://h:1"}, "write redis://host:port/database"),
        ({"CACHE": "redis://h:port"}, "write redis://host:port/database"),
        ({"PSM": "article"}, r"product\.subsystem\.module"),
        ({"PSM": None}, "PSM is None; write a text in quotes"),
        ({"LOG_LEVEL": "LOUD"}, "choose one of DEBUG"),
        ({"CLUSTER": "a b/c"}, "CLUSTER is 'a b/c'; use letters"),
        ({"THREADS": -1}, "choose 0 to 10000"),
        ({"DRAIN_SECONDS": -1.0}, "choose 0 to 2000000"),
        ({"DRAIN_SECONDS": float("inf")}, "choose 0 to 2000000"),
    ],
)
def test_what_is_wrong_is_named(keys: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(module(**keys), {})
    assert str(caught.value).startswith("app/my/settings.py: ")


def test_helpers_in_a_settings_module_are_no_settings() -> None:
    made = module(HOST="127.0.0.1", host="127.0.0.1", _PRIVATE=1, version=len)
    assert load_settings(made, {}).settings.HOST == "127.0.0.1"


def test_wrong_overrides_are_named_with_their_place() -> None:
    with pytest.raises(SettingsError, match=r"^environment: PIE_PORT is 'many'; write a whole"):
        settings_of("a.b.c", {"PIE_PORT": "many"})
    with pytest.raises(SettingsError, match=r"^command line: --log-level is 'x'; choose one"):
        load_settings(module(), {}, {"LOG_LEVEL": "x"})
    assert load_settings(module(), {}, {"LOG_LEVEL": "debug"}).settings.LOG_LEVEL == "DEBUG"


def test_a_nearly_right_variable_is_a_doubt_and_no_error() -> None:
    environment = {"PIE_PROT": "1", "PIE_PLATFORM": "x", "PIE_DEMO_DATA": "", "PATH": ""}
    (doubt,) = settings_of("a.b.c", environment).doubts
    assert doubt == "PIE_PROT in the environment sets nothing; did you mean PIE_PORT?"


def test_a_missing_psm_is_named() -> None:
    made = module()
    del made.PSM
    with pytest.raises(SettingsError, match="PSM is missing"):
        load_settings(made, {})


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("", {}),
        ("--port 7705 --debug", {"PORT": "7705", "DEBUG": "true"}),
        ("--port=7705 --no-debug", {"PORT": "7705", "DEBUG": "false"}),
        ("--log-level=DEBUG --debug=no", {"LOG_LEVEL": "DEBUG", "DEBUG": "no"}),
        ("--version --port", {"VERSION": "--port"}),
        ("-h", {HELP: ""}),
    ],
)
def test_options(arguments: str, options: dict[str, str]) -> None:
    assert read_options(arguments.split()) == options


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--prot 1", r"unknown option --prot; did you mean --port\?"),
        ("--no-port", r"unknown option --no-port; did you mean --port\?"),
        ("--xyzzy", "known are --psm"),
        ("--port", "--port needs a value: --port=NUMBER"),
        ("7701", "'7701' is no option; --help lists them"),
        ("-p 7701", "'-p' is no option"),
    ],
)
def test_wrong_options(arguments: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        read_options(arguments.split())


def test_every_key_is_documented() -> None:
    meanings = documentation()
    assert list(meanings) == list(KEYS)
    shown = help_text(load_settings(module(), {}), "python bootstrap.py")
    for key in KEYS:
        assert f"--{key.lower().replace('_', '-')}" in shown
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    for key, meaning in meanings.items():
        assert f"| `{key}` |" in page
        assert meaning.replace("|", "\\|") in page


def test_pins() -> None:
    pins = pinned_instances({"PIE_PIN": "a.b.c=127.0.0.1:1, d.e.f=127.0.0.1:2"})
    assert pins == {"a.b.c": "127.0.0.1:1", "d.e.f": "127.0.0.1:2"}
    with pytest.raises(SettingsError, match="write PSM=host:port"):
        pinned_instances({"PIE_PIN": "a.b.c"})


def test_the_workspace_comes_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "service.token").write_text("secret\n")
    workspace = Workspace.from_environment({"RUNTIME_ROOT": str(tmp_path)})
    assert (workspace.log_root, workspace.token()) == (tmp_path, "secret")
    assert workspace.platform == "http://127.0.0.1:8790"
    assert workspace.conf == tmp_path / "conf"


def test_the_workspace_is_the_nearest_around_the_code(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    for root in (tmp_path, inner):
        (root / "runtime").mkdir(parents=True)
    (tmp_path / "runtime" / "workspace.yml").write_text("product: toutiao\n")
    (inner / "runtime" / "workspace.yml").write_text("platform: https://pie.example:1/x\n")
    code = inner / "app" / "my"
    code.mkdir(parents=True)
    found = Workspace.from_environment({"PIE_LOG_ROOT": "logs"}, code)
    assert (found.root, found.log_root) == (inner, inner / "logs")
    assert found.platform == "https://pie.example:1/x"
    assert found.token_file == inner / "platform" / "service.token"
    other = Workspace.from_environment({"PIE_PLATFORM": "http://h:1"}, tmp_path / "app")
    assert (other.root, other.platform) == (tmp_path, "http://h:1")
    given = Workspace.from_environment({"RUNTIME_ROOT": str(tmp_path)}, code)
    assert given.root == tmp_path


def test_the_platform_is_that_of_the_pie_up_that_runs_in_the_root(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "workspace.yml").write_text("platform: http://127.0.0.1:1\n")
    elsewhere = tmp_path / "elsewhere"
    with hold(tmp_path) as write:
        write(
            UpState(
                pid=1, url="http://127.0.0.1:2", root=str(tmp_path), log_root=str(tmp_path),
                directory=str(elsewhere), started=0.0,
            )
        )  # fmt: skip
        running = Workspace.from_environment({}, tmp_path / "app")
        given = Workspace.from_environment({"PIE_PLATFORM": "http://h:3"}, tmp_path / "app")
    assert running.platform == "http://127.0.0.1:2"
    assert running.token_file == elsewhere / "service.token"
    assert given.platform == "http://h:3"
    assert given.token_file == tmp_path / "platform" / "service.token"
    assert Workspace.from_environment({}, tmp_path / "app").platform == "http://127.0.0.1:1"


def test_code_that_is_linked_into_a_workspace_belongs_to_it(tmp_path: Path) -> None:
    (tmp_path / "ws" / "runtime").mkdir(parents=True)
    (tmp_path / "ws" / "runtime" / "workspace.yml").touch()
    (tmp_path / "repo" / "api").mkdir(parents=True)
    (tmp_path / "ws" / "app").symlink_to(tmp_path / "repo")
    assert Workspace.from_environment({}, tmp_path / "ws/app/api").root == tmp_path / "ws"


def test_no_workspace_is_the_current_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace.from_environment({}, Path("/")).root == tmp_path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("platform: [", "cannot be read: .*line 2"),
        ("- a\n", "write key: value lines"),
        ("platform: here\n", "platform is 'here'; write http://host:port"),
        ("platform: 8790\n", "platform is 8790; write http://host:port"),
        ("platform: http://h:x\n", "write http://host:port"),
        ("platform: !!python/object:os.system ls\n", "cannot be read"),
    ],
)
def test_a_wrong_workspace_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "runtime").mkdir()
    file = tmp_path / "runtime" / "workspace.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=complaint) as caught:
        Workspace.from_environment({}, tmp_path)
    assert str(caught.value).startswith(str(file))


def test_wrong_surroundings_are_named() -> None:
    with pytest.raises(SettingsError, match="RUNTIME_ROOT is '/nowhere', which is no folder"):
        Workspace.from_environment({"RUNTIME_ROOT": "/nowhere"})
    with pytest.raises(SettingsError, match="PIE_PLATFORM is 'h:1'; write http://host:port"):
        Workspace.from_environment({"PIE_PLATFORM": "h:1"})


def test_a_taken_port_gives_the_next_free_one() -> None:
    first = listen("127.0.0.1", 0)
    port = first.getsockname()[1]
    second = listen("127.0.0.1", port)
    assert port < second.getsockname()[1] <= port + 100
    first.close()
    second.close()


def test_an_address_of_another_machine_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:7701"):
        listen("192.0.2.1", 7701)


def test_ipv6() -> None:
    try:
        sock = listen("::1", 0)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    assert sock.family == socket.AF_INET6
    sock.close()
