"""h11 and httptools read what we read, and every disagreement is in ``docs/http-requests.md``."""

from pathlib import Path
from random import Random

import pytest
from tests.core.http.corpus import CASES
from tests.core.http.hostile import some_stream
from tests.core.http.oracles import ORACLES
from tests.core.http.parse import Request, Stream, stream

pytestmark = pytest.mark.usefixtures("native")

PAGE = (Path(__file__).parents[3] / "docs" / "http-requests.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return lines[2:]


def libraries(text: str) -> list[str]:
    return text.replace("llhttp", "httptools").split(", ")


HERE = {
    (text, by)
    for text, names, _why in rows("Where others read what is refused here")
    for by in libraries(names)
}
THERE = [
    (text, by)
    for names, text, _why in rows("Where others refuse what is read here")
    for by in libraries(names)
]
Seen = set[tuple[str, str]]


def comparable(request: Request) -> tuple[object, ...]:
    """Names and codings have no case, and llhttp leaves space behind a value."""
    fields = [(name.lower(), value.strip(b" \t")) for name, value in request.fields]
    coded = [(name, value.lower() if b"-encoding" in name else value) for name, value in fields]
    return request.method, request.target, coded, request.body


def compare(data: bytes, ours: Stream, by: str, seen: Seen) -> None:
    theirs = ORACLES[by](data)
    for one, other in zip(ours.requests, theirs.requests, strict=False):
        assert comparable(one) == comparable(other), (by, data)
    if len(ours.requests) < len(theirs.requests):
        if ours.requests and not ours.requests[-1].keep_alive:
            return  # The connection is closed.
        assert ours.refusal is not None, (by, data)
        seen.add((ours.refusal[1], by))
        assert (ours.refusal[1], by) in HERE, data
    elif len(theirs.requests) < len(ours.requests):
        assert theirs.refusal is not None, (by, data)
        found = [each for each in THERE if each[1] == by and theirs.refusal[1].startswith(each[0])]
        assert found, (by, theirs.refusal, data)
        seen.update(found)


@pytest.mark.parametrize("by", sorted(ORACLES))
def test_the_corpus_and_the_list_agree(by: str) -> None:
    seen: Seen = set()
    for case in CASES:
        compare(case.data, stream(case.data), by, seen)
    assert seen == {each for each in [*HERE, *THERE] if each[1] == by}, "an entry has no case"


@pytest.mark.parametrize("rounds", [400, pytest.param(40_000, marks=pytest.mark.slow)])
def test_random_and_damaged_streams(rounds: int) -> None:
    random, accepted = Random(rounds), 0
    for _ in range(rounds):
        data = some_stream(random)
        ours = stream(data)
        accepted += len(ours.requests)
        for by in ORACLES:
            compare(data, ours, by, set())
        if random.random() < 0.1:
            assert stream(data, 1) == ours == stream(data, 3)
    assert accepted > rounds / 4
