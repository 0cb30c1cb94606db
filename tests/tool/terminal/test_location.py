"""What a command passes on of the folder in which it runs."""

import os
from pathlib import Path

from pie.tool.terminal.location import enter_workspace


def test_a_command_in_the_folder_of_an_application_uses_its_pie_toml(
    tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "pie.toml").write_text(
        'platform = "http://127.0.0.1:9"\ntoken_file = "../service.token"\nlog_root = "logs"\n'
    )
    below = tmp_path / "shop"
    below.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.setattr(os, "environ", {"PIE_LOG_ROOT": "/var/log/pie"})
    enter_workspace()
    assert os.environ == {
        "RUNTIME_ROOT": str(tmp_path),
        "PIE_PLATFORM": "http://127.0.0.1:9",
        "PIE_TOKEN_FILE": str(tmp_path / ".." / "service.token"),
        "PIE_LOG_ROOT": "/var/log/pie",
    }


def test_without_one_nothing_is_passed_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    enter_workspace()
    assert os.environ == {}
