"""A real service goes by rules: those of its file, then published ones, or none at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from pie.govern import Key
from pie.serve.process import govern_is_off
from pie.serve.settings.keys import SettingsError
from pie.state import RemoteStore
from pie.state.rules.book import RuleBook
from pie.state.rules.document import WrittenRule

PSM = "toutiao.my.api"
KEY = Key("rate", PSM, "server")
ONE_CALL = "rules:\n  server:\n    rate:\n    - qps: 0.001\nconfig:\n  title: of the file\n"
VIEWS = (
    "from flask import Flask\nfrom pie import config\napp = Flask(__name__)\n"
    "@app.get('/')\ndef hello():\n    return config.get('title', default='of the code')\n"
)


def write_file(root: Path, text: str) -> Path:
    path = root / "conf" / "app" / f"service-{PSM}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows(root: Path, what: str) -> list[dict[str, Any]]:
    files = sorted((root / "toutiao" / "log" / "facts").glob(f"{PSM}.{what}.2*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_rules_of_the_file_hold_until_others_are_published(services, state) -> None:
    port = services.free_port()
    root = services.write(f"PORT = {port}\n", views=VIEWS)
    write_file(root, ONE_CALL)
    running = services.start(PIE_PLATFORM=state)
    running.port  # noqa: B018 - waits until it listens
    assert running.get(port) == (200, b"of the file")
    assert running.get(port)[0] == 429

    def reported() -> list[int]:
        return [row["version"] for row in rows(root, "in_force") if row["key"].startswith("rule/")]

    running.until(lambda: reported() == [0], "it reports the rules of the file")
    book = RuleBook(RemoteStore(state, "t"))
    book.publish(KEY, [WrittenRule({}, {"qps": 1e6})], seen=0, by="ann", comment="open it")
    running.until(lambda: running.get(port)[0] == 200, "the published rules")
    running.until(lambda: reported()[-1:] == [1], "it reports the version")
    running.stop()
    verdicts = {(row["version"], row["verdict"]) for row in rows(root, "rules")}
    assert {(0, "rejected"), (0, "admitted"), (1, "admitted")} <= verdicts
    assert "rules in force: rate v1 (server) of toutiao.my.api, published by ann: open it" in (
        running.log("python")
    )


@pytest.mark.slow
def test_off_runs_without_rules_and_reports_it(services) -> None:
    port = services.free_port()
    root = services.write(f"PORT = {port}\n")
    write_file(root, ONE_CALL)
    running = services.start(PIE_GOVERN="off")
    running.port  # noqa: B018
    assert [running.get(port)[0] for _ in range(3)] == [200] * 3
    running.stop()
    assert rows(root, "in_force")[-1]["trouble"] == "PIE_GOVERN=off in this process"
    assert "policies run on their defaults until the platform answers" in running.log("python")


def test_an_error_in_the_file_ends_the_start_with_its_line(services) -> None:
    root = services.write()
    path = write_file(root, "rules:\n  server:\n    rate:\n    - qps: -1\n")
    running = services.start()
    _, errors = running.wait()
    assert running.process.returncode == 1
    assert errors.startswith(f"pie: {path}:4: rules.server.rate: rules[0].body.qps: ")


def test_what_turns_rules_off() -> None:
    assert [govern_is_off({"PIE_GOVERN": value}) for value in ("off", " OFF", "on", "")] == [
        True, True, False, False
    ]  # fmt: skip
    assert not govern_is_off({})
    with pytest.raises(SettingsError, match="PIE_GOVERN: 'of' is neither on nor off"):
        govern_is_off({"PIE_GOVERN": "of"})
