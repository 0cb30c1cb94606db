"""What the browser itself does with rules: two edits put together, texts compared, lines found."""

import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

UI = Path(__file__).resolve().parents[2] / "ui"
YAML = """kind: rate
rules:
- scope: {method: Get}
  qps: 5  # calls/s
- qps: 9
  scope:
    caller: a.b.c
"""
GET, LIST, ALL = ({"method": "Get"}, {"method": "List"}, {})


def rule(scope: dict[str, Any], qps: float) -> dict[str, Any]:
    return {"scope": scope, "body": {"qps": qps}}


CASES = {
    "mine and theirs": [[rule(GET, 1)], [rule(GET, 1), rule(LIST, 2)], [rule(GET, 3)]],
    "both": [[rule(GET, 1)], [rule(GET, 2)], [rule(GET, 3)]],
    "the same": [[], [rule(ALL, 2)], [rule(ALL, 2)]],
    "they removed, I kept": [[rule(GET, 1)], [], [rule(GET, 1)]],
    "they removed, I changed": [[rule(GET, 1)], [], [rule(GET, 2)]],
    "order of names": [
        [rule({"method": ["A", "B"]}, 1)],
        [rule({"method": ["B", "A"]}, 1)],
        [rule({"method": ["A", "B"]}, 4)],
    ],
}
LINES = [[1, "scope.method"], [1, "qps"], [2, "qps"], [2, "scope.caller"], [2, "no"], [3, "qps"]]
SCRIPT = f"""
import {{ merge }} from './src/rules/merge';
import {{ diffLines, narrowed }} from './src/rules/line-diff';
import {{ lineOf, patternOf, patternText }} from './src/rules/rule';
const cases = {json.dumps(CASES)};
const put = ([name, sides]) => [name, merge(...sides)];
const merged = Object.fromEntries(Object.entries(cases).map(put));
const lines = {json.dumps(LINES)}.map(([rule, field]) => lineOf({json.dumps(YAML)}, rule, field));
const shown = (line) => (line ? line.sign + line.text : '…');
const diff = (a, b) => narrowed(diffLines(a, b), 1).map(shown);
console.log(JSON.stringify({{
  merged,
  lines,
  diffs: [diff('a\\nb\\nc\\nd\\ne', 'a\\nb\\nx\\nd\\ne'), diff('a', 'a'), diff('', 'a\\nb')],
  patterns: ['', 'a.b.c', 'a.*', 'A, B'].map(patternOf).map((each) => each ?? null),
  texts: [undefined, 'a', ['A', 'B']].map(patternText),
}}));
"""


@pytest.fixture(scope="module")
def found(build: ModuleType) -> dict[str, Any]:
    node = build.find_node().node
    esbuild = UI / "node_modules" / "esbuild" / "bin" / "esbuild"
    bundled = run([*node, str(esbuild), "--bundle", "--format=cjs", "--loader=ts"], SCRIPT)
    made: dict[str, Any] = json.loads(run(node, bundled))
    return made


def run(command: list[str], script: str) -> str:
    return subprocess.run(
        command, input=script, cwd=UI, capture_output=True, text=True, check=True
    ).stdout


def test_two_edits_are_put_together(found: dict[str, Any]) -> None:
    merged = found["merged"]
    rules = {name: each["rules"] for name, each in merged.items()}
    assert rules["mine and theirs"] == [rule(GET, 3), rule(LIST, 2)]
    assert rules["both"] == [rule(GET, 3)]
    assert rules["the same"] == [rule(ALL, 2)]
    assert rules["they removed, I kept"] == []
    assert rules["they removed, I changed"] == [rule(GET, 2)]
    assert rules["order of names"] == [rule({"method": ["A", "B"]}, 4)]
    told = {name for name, each in merged.items() if each["both"]}
    assert told == {"both", "they removed, I changed"}


def test_lines_that_change_are_shown_with_those_around(found: dict[str, Any]) -> None:
    assert found["diffs"] == [["…", " b", "-c", "+x", " d", "…"], ["…"], ["-", "+a", "+b"]]


def test_a_field_is_found_in_the_text(found: dict[str, Any]) -> None:
    assert found["lines"] == [3, 4, 5, 6, 5, 0]


def test_patterns_are_written_as_people_do(found: dict[str, Any]) -> None:
    assert found["patterns"] == [None, "a.b.c", "a.*", ["A", "B"]]
    assert found["texts"] == ["", "a", "A, B"]
