"""Settings: typed, overridable, and clear about what is wrong."""

import socket
from pathlib import Path
from types import ModuleType

import pytest

from pie.serve.listen import listen
from pie.serve.process import pinned_instances
from pie.serve.settings import SettingsError, Workspace, load_settings, settings_of


def module(**keys: object) -> ModuleType:
    made = ModuleType("settings")
    made.__file__ = "app/my/settings.py"
    vars(made).update({"PSM": "a.b.c"} | keys)
    return made


def test_defaults() -> None:
    settings = load_settings(module(), {})
    assert (settings.PSM, settings.CLUSTER, settings.HOST) == ("a.b.c", "default", "127.0.0.1")


def test_the_environment_wins() -> None:
    environment = {"PIE_PORT": "8000", "PIE_DEBUG": "true", "PIE_OWNERS": "a,b"}
    settings = load_settings(module(PORT=7000), environment)
    assert (settings.PORT, settings.DEBUG, settings.OWNERS) == (8000, True, ("a", "b"))


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"PROT": 1}, "unknown setting PROT; did you mean PORT?"),
        ({"ZZZ": 1}, "known keys: PSM"),
        ({"PORT": "http"}, r"Expected `int`, got `str` - at `\$\.PORT`"),
        ({"PORT": 70000}, "choose 0 to 65535"),
        ({"PSM": "article"}, r"product\.subsystem\.module"),
        ({"LOG_LEVEL": "LOUD"}, "choose one of DEBUG"),
        ({"CLUSTER": "a b/c"}, "CLUSTER is 'a b/c'; use letters"),
        ({"THREADS": 0}, "choose 1 or more"),
        ({"DRAIN_SECONDS": -1.0}, "choose 0 or more"),
    ],
)
def test_what_is_wrong_is_named(keys: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(module(**keys), {})
    assert str(caught.value).startswith("app/my/settings.py: ")


def test_a_wrong_environment_is_named() -> None:
    with pytest.raises(SettingsError, match="PORT"):
        settings_of("a.b.c", {"PIE_PORT": "many"})


def test_a_missing_psm_is_named() -> None:
    made = module()
    del made.PSM
    with pytest.raises(SettingsError, match="PSM"):
        load_settings(made, {})


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
