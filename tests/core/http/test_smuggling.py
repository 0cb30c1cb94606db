"""Every case of ``smuggling.yml`` is answered as it says, at once and byte by byte."""

import pytest
from tests.core.http.corpus import CASES, Case
from tests.core.http.parse import stream

pytestmark = pytest.mark.usefixtures("native")
KNOWN = {"send", "status", "reads", "left", "host", "close", "partial", "why"}
SHORT = 2000


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case(case: Case) -> None:
    said = case.said
    assert set(said) <= KNOWN
    assert said["why"]
    found = stream(case.data)
    steps = [1, 2, 7] if len(case.data) < SHORT else [997, 16000]
    for step in steps:
        assert stream(case.data, step) == found
    if "status" in said:
        assert found.refusal is not None, found
        assert found.refusal[0] == said["status"]
        assert not found.requests
        return
    if said.get("partial"):
        assert found == ([], None, case.data)
        return
    assert [each.body for each in found.requests] == [
        each.encode("latin-1") for each in said["reads"]
    ]
    assert found.left == said.get("left", "").encode()
    assert found.left or found.refusal is None
    assert found.requests[0].host == said.get("host", "a" if b"Host" in case.data else "").encode()
    if "close" in said:
        assert found.requests[0].keep_alive is not said["close"]


def test_every_family_of_the_design_is_there() -> None:
    assert len(CASES) > 150
    assert {case.said.get("status") for case in CASES} == {None, 400, 413, 414, 417, 431, 501, 505}
