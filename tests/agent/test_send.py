"""Which answers are believed to be those of the platform."""

import gzip
import json

import pytest

from pie.agent.send import Away, Sender, Taken, Target, Unacceptable, judge


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (200, b'{"accepted":1,"duplicates":0,"rejected":[],"rejected_count":0}', Taken),
        (200, b'{"accepted":1}', Taken),
        (200, b"", Away),
        (200, b"<html>", Away),
        (400, b'{"error":{"code":400,"message":"row 3"}}', Unacceptable),
        (400, b"<html>bad request</html>", Away),
        (413, b"nginx", Unacceptable),
        (302, b"", Away),
        (503, b"", Away),
    ],
)
def test_only_the_platform_itself_is_believed(status, answer, kind):
    assert isinstance(judge(status, answer), kind)


def test_rows_of_a_table_that_an_older_platform_does_not_know_wait() -> None:
    message = "the request is not valid: path.table: Input should be 'calls', 'edge_10s' or 'logs'"
    answer = json.dumps({"error": {"kind": "invalid", "code": 400, "message": message}}).encode()
    verdict = judge(400, answer)
    assert isinstance(verdict, Away)
    assert verdict.refused


def test_a_row_that_quotes_this_answer_is_a_bad_row_and_holds_nobody_up() -> None:
    message = "the column store says: Cannot parse input: expected '\"' before: 'path.table: x'"
    answer = json.dumps({"error": {"kind": "invalid", "code": 400, "message": message}}).encode()
    assert isinstance(judge(400, answer), Unacceptable)


@pytest.mark.parametrize(
    ("url", "far"),
    [
        ("http://127.0.0.1:8790", False),
        ("http://127.1.2.3:8790", False),
        ("http://[::1]:8790", False),
        ("http://LocalHost:8790", False),
        ("http://10.0.0.1:8790", True),
        ("https://platform.example", True),
    ],
)
def test_only_rows_for_another_host_are_packed(url, far):
    rows = b'{"ts":1}\n'
    packed = Sender(Target.parse(url), lambda: "token", 1.0).pack(rows)
    assert (gzip.decompress(packed) if far else packed) == rows
    assert (packed != rows) == far
