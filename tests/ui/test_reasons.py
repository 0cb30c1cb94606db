"""What the platform refuses by name: the pages have Chinese words for every name."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "src" / "pie" / "platform"
UI = ROOT / "ui" / "src"


def named() -> set[str]:
    """The reasons of every NamedFailure that the platform raises."""
    found = set()
    for path in PLATFORM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NamedFailure":
                reason = node.args[2]
                assert isinstance(reason, ast.Constant), f"{path.name}:{node.lineno}"
                found.add(str(reason.value))
    return found


def keys(path: Path, name: str) -> set[str]:
    """The names in a table of texts."""
    text = path.read_text()
    table = text[text.index(f"const {name}") :]
    return set(re.findall(r"^  (\w+): ", table[: table.index("\n};")], re.MULTILINE))


def test_every_named_failure_has_chinese_words() -> None:
    assert named() == keys(UI / "i18n" / "failures.zh.ts", "FAILURES_ZH")


def test_every_named_problem_of_rules_has_chinese_words() -> None:
    check = (PLATFORM / "govern" / "check.py").read_text()
    reasons = set(re.findall(r'"([a-z]+_[a-z]+|shadowed)",? ?(?:\{|parts|\n)', check))
    assert {"unknown_field", "bad_value", "unknown_name", "shadowed"} <= reasons
    assert reasons <= keys(UI / "rules" / "problems.zh.ts", "PROBLEMS_ZH")
