"""``pie ls``, and what all commands that ask the platform have in common."""

import json
import signal

import pytest

from pie.tool.terminal.table import width
from pie.tool.terminal.text import visible_width


def test_services_with_their_traffic(pie) -> None:
    done = pie("ls", "--window", "3600")
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["SERVICE", "CLUSTERS", "QPS"]
    article = next(row for row in rows if "toutiao.article.article" in row)
    assert article.startswith("●")
    assert "canary 1, default 1" in article
    assert "4.00 %" in article
    assert "邓波" in article
    assert next(row for row in rows if "never.started" in row).startswith("○")
    assert "3 services · 3 instances · 1 not on-boarded" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("filter_", "found"),
    [("ARTICLE", {"toutiao.article.article"}), ("toutiao.*.user_*", {"toutiao.user.user_info"})],
)
def test_a_part_of_the_name_or_a_pattern(pie, filter_, found) -> None:
    answer = json.loads(pie("ls", filter_, "--json").stdout)
    assert {each["psm"] for each in answer["services"]} == found


def test_nothing_found_is_reported(pie) -> None:
    done = pie("ls", "nothing")
    assert done.returncode == 1
    assert "no service has 'nothing' in its name" in done.stdout


def test_the_whole_name_shows_the_service(pie) -> None:
    done = pie("ls", "toutiao.article.article", "--window", "3600")
    assert done.returncode == 0, done.stderr
    assert "● on-boarded" in done.stdout
    assert "4.00 % failures · 0 % rejected" in done.stdout
    assert "2 instances" in done.stdout
    canary = next(line for line in done.stdout.splitlines() if "canary" in line)
    assert canary.split() == ["canary", "10.3.23.162:7702", "84168", "1.4.2", "2", "h", "ago"]


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_it_fits_the_terminal(pie, columns) -> None:
    shown = pie.in_terminal("ls", columns=columns)
    assert "\x1b[32m●" in shown
    lines = shown.splitlines()
    assert max(map(visible_width, lines)) <= columns
    assert ("OWNERS" in shown) == (columns == 160)
    assert "QPS" in shown


def test_no_color(pie) -> None:
    assert "\x1b" not in pie.in_terminal("ls", NO_COLOR="1")


def test_watch_draws_again_until_interrupted(pie) -> None:
    with pie.running("ls", "article", "--watch") as process:
        seen = 0
        for line in process.stdout:
            seen += "toutiao.article.article" in line
            if seen == 2:
                break
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 130


def test_a_reader_that_goes_away(pie) -> None:
    with pie.running("ls", "--json") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "words"),
    [
        (["--platform", "http://127.0.0.1:1"], {}, 1, ["http://127.0.0.1:1", "pie up"]),
        (["--platform", "nonsense"], {}, 2, ["'nonsense'", "http://"]),
        ([], {"PIE_TOKEN": "wrong"}, 1, ["$PIE_TOKEN", "admin.token"]),
        (["--token-file", "nowhere"], {}, 1, ["nowhere", "No such file"]),
        (["--token-file", "platform/service.token"], {}, 1, ["service token", "service.token"]),
    ],
)
def test_what_is_wrong_with_platform_or_token(pie, arguments, environ, code, words) -> None:
    pie.environ |= environ
    done = pie("ls", *arguments)
    assert done.returncode == code
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_no_platform_in_this_workspace(pie, tmp_path) -> None:
    pie.cwd = tmp_path
    done = pie("ls")
    assert done.returncode == 1
    assert f"there is no {tmp_path}/platform/admin.token" in done.stderr
    assert "`pie up`" in done.stderr


def test_an_application_folder_names_platform_and_token(pie, fleet, tmp_path) -> None:
    """``pie.toml`` or the environment, which name the token of services."""
    service = fleet.directory / "service.token"
    url = pie.environ.pop("PIE_PLATFORM")
    pie.cwd = tmp_path / "shop"
    pie.cwd.mkdir()
    file = pie.cwd / "pie.toml"
    file.write_text(f'psm = "a.b.c"\nplatform = "{url}"\ntoken_file = "{service}"\n')
    assert "toutiao.article.article" in pie("ls").stdout
    file.write_text(f'platform = "{url}"\ntoken_file = "nowhere"\n')
    assert "/shop/nowhere" in pie("ls").stderr
    pie.environ["PIE_TOKEN_FILE"] = str(service)
    assert "toutiao.article.article" in pie("ls").stdout
    alone = tmp_path / "service.token"
    alone.write_bytes(service.read_bytes())
    pie.environ["PIE_TOKEN_FILE"] = "../service.token"
    assert "service.token): use the text of admin.token" in pie("ls").stderr


def test_the_workspace_names_the_platform(pie, fleet) -> None:
    """From any folder in it."""
    root = fleet.directory.parent
    (root / "runtime").mkdir()
    marker = root / "runtime" / "workspace.yml"
    marker.write_text(f"product: toutiao\nplatform: {pie.environ.pop('PIE_PLATFORM')}\n")
    pie.cwd = root / "app" / "my"
    pie.cwd.mkdir(parents=True)
    try:
        assert "toutiao.article.article" in pie("ls").stdout
        marker.write_text("platform: [1]\n")
        done = pie("ls")
        assert done.returncode == 1
        assert str(marker) in done.stderr
    finally:
        marker.unlink()


def test_commands_are_grouped_and_a_slip_is_understood(pie) -> None:
    shown = pie("-h").stdout
    assert shown.index("On this machine:") < shown.index("See the fleet:")
    done = pie("lgos")
    assert done.returncode == 2
    assert "did you mean logs?" in done.stderr


def test_width_counts_wide_characters() -> None:
    assert width("邓波") == 4
