"""Which answers are believed to be those of the platform."""

import pytest

from pie.agent.send import Away, Taken, Unacceptable, judge


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
