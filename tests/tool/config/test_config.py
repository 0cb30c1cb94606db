"""``pie config``: the configuration of a service in the terminal."""

import json
import signal
from itertools import count

import pytest

_NUMBERS = count()


@pytest.fixture
def psm() -> str:
    return f"new.config.m{next(_NUMBERS)}"


def ok(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_set_get_diff_history_and_rollback(pie, psm) -> None:
    first = ok(pie("config", "set", psm, "feed.size=30", 'hosts=["a", "b"]', "-m", "first"))
    assert "published v1" in first and "+ feed.size: 30" in first
    assert "no instance runs" in first
    ok(pie("config", "set", psm, "feed.size=40", "title=plain text", "--unset", "hosts"))
    shown = ok(pie("config", "get", psm))
    assert "v2 by" in shown and "plain text" in shown and "hosts" not in shown
    assert ok(pie("config", "get", psm, "feed.size")).strip() == "40"
    assert "~ feed.size: 30 → 40" in ok(pie("config", "diff", psm))
    assert "- hosts" in ok(pie("config", "diff", psm, "1", "2"))
    history = ok(pie("config", "history", psm))
    assert "first" in history and history.index("v2") < history.index("v1")
    ok(pie("config", "rollback", psm, "1", "-m", "too long"))
    page = json.loads(ok(pie("config", "get", psm, "--json")))
    assert page["draft"]["values"] == {"feed.size": 30, "hosts": ["a", "b"]}
    assert page["comment"] == "back to v1: too long"


@pytest.mark.slow
def test_gray_releases(pie, psm) -> None:
    ok(pie("config", "set", psm, "size=1"))
    assert "say for whom" in pie("config", "gray", psm, "trial", "size=2").stderr
    done = ok(pie("config", "gray", psm, "trial", "size=2", "--percent", "10"))
    assert "trial reaches 0 of 0 instances" in done
    ok(pie("config", "gray", psm, "blue", "size=3", "--cluster", "blue"))
    wider = ok(pie("config", "gray", psm, "trial", "--percent", "50", "--dry-run"))
    assert "10% of the instances → 50% of the instances" in wider
    page = json.loads(ok(pie("config", "get", psm, "--json")))
    assert [each["name"] for each in page["draft"]["overrides"]] == ["blue", "trial"]
    ok(pie("config", "gray", psm, "trial", "--finish", "-m", "good"))
    ok(pie("config", "gray", psm, "blue", "--end"))
    assert ok(pie("config", "get", psm, "size")).strip() == "2"
    assert "it has: none" in pie("config", "gray", psm, "trial", "--end").stderr


@pytest.mark.slow
def test_secrets_are_shown_to_nobody(pie, psm) -> None:
    ok(pie("config", "set", psm, "key=s3cret", "--secret"))
    ok(pie("config", "set", psm, "size=1"))
    for command in (["get", psm], ["history", psm], ["diff", psm], ["get", psm, "key"]):
        assert "s3cret" not in ok(pie("config", *command))


def test_what_is_wrong_is_reported(pie, psm) -> None:
    assert "no KEY=VALUE" in pie("config", "set", psm, "size").stderr
    assert "nothing to change" in pie("config", "set", psm).stderr
    done = pie("config", "set", psm, "a b=1")
    assert done.returncode == 1 and "not a key" in done.stdout
    assert "it has: none" in pie("config", "get", psm, "size").stderr
    assert "it was never published" in pie("config", "rollback", psm, "1").stderr


@pytest.mark.slow
def test_watch_prints_what_changes(pie, psm) -> None:
    with pie.running("config", "watch", psm, "size") as process:
        assert process.stdout.readline().strip() == "v0  -"
        ok(pie("config", "set", psm, "size=7"))
        assert process.stdout.readline().strip() == "v1  7 (document)"
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == ""
