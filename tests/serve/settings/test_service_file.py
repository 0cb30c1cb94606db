"""The file that comes with a service: rules and configuration while nobody has published any."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.govern import Key, Subject
from pie.serve.settings.keys import SettingsError
from pie.serve.settings.service_file import MAX_BYTES, read_service_file

PSM = "toutiao.my.api"
WHOLE = """
psm: toutiao.my.api
port: 7701
rules:
  server:
    rate:
    - scope: {caller: toutiao.feed.*, method: [404, no]}
      qps: 90
    - qps: 1e3
      burst: .5
  client:
config:
  feed.page_size: 20
  feed.names: [no, 2026-01-01, ~, true]
  feed.title: "7"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"service-{PSM}.yml"


def test_what_it_holds(path: Path) -> None:
    path.write_text(WHOLE)
    found = read_service_file(path, PSM)
    rules = found.rules[Key("rate", PSM, "server")]
    assert rules.version == 0
    subject = Subject(callee="", method="404", caller="toutiao.feed.x", caller_cluster="default",
                      cluster="default", lane="")  # fmt: skip
    assert [each.rule.qps for each in rules.holding(subject)] == [90, 1000]
    assert rules.rules[0].name == "rate v0 method=404|no caller=toutiao.feed.*"
    assert found.config == {
        "feed.page_size": 20,
        "feed.names": ["no", "2026-01-01", None, True],
        "feed.title": "7",
    }


def test_without_the_file_or_with_an_empty_one_there_is_nothing(path: Path) -> None:
    assert read_service_file(path, PSM).rules == {}
    path.write_text("# nothing\n")
    assert read_service_file(path, PSM).config == {}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("psm: a.b.c\n", 1, "psm: the file is for a.b.c, not for toutiao.my.api"),
        ("port: 1\nrule: {}\n", 2, "unknown key 'rule'; did you mean rules?"),
        ("rules:\n  sever: {}\n", 2, "rules: 'sever' is no side: server, client, callers"),
        ("rules:\n  server:\n    rat: []\n", 3, "rules.server.rat: kind: 'rat' is not one of"),
        ("rules:\n  client:\n    rate: []\n", 3, "rules of kind rate are for server, not client"),
        ("rules: {server: {rate: {qps: 1}}}\n", 1, "write a list: each rule begins with `- `"),
        ("rules:\n  server:\n    rate:\n    - qps: 5\n    - qps: -5\n", 5, "rules[1].body.qps"),
        ("rules:\n  server:\n    rate:\n    - qps: 5\n      qsp: 5\n", 4, "has no field `qsp`"),
        (
            "rules:\n  server:\n    rate:\n    - qps: 5\n      scope:\n        method: a b\n",
            6, "rules[0].scope.method",
        ),
        ("rules:\n  server:\n    rate:\n    - qps: 5\n    - qps: 6\n", 5, "the same calls as"),
        ("config:\n  a: 1\n  a: 2\n", 3, "config: a stands there twice"),
        ("config: [1]\n", 1, "config: write `name: value` lines"),
        ("- a\n", 1, "the file: write `name: value` lines"),
        ("a: [\n", 2, "this is not YAML"),
        ("config: &a\n  a: *a\n", 2, "aliases"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(
    path: Path, text: str, line: int, message: str
) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_service_file(path, PSM)
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert message in str(caught.value)


def test_a_file_without_bound(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SettingsError, match="more than"):
        read_service_file(path, PSM)


@settings(max_examples=50)
@given(st.text(alphabet="rules: \n-sevrate{}[]&*|>'\"!#%1.", max_size=80))
def test_no_text_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_text(text)
    try:
        read_service_file(path, PSM)
    except SettingsError as error:
        assert str(error).startswith(str(path))
