"""A file is known by what it is, not by its name."""

from hypothesis import given
from hypothesis import strategies as st

from pie.agent.identity import HEAD_BYTES, head_of, identify


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_the_head_of_a_file_never_changes_while_it_grows(before, more):
    head = head_of(before)
    if head is not None:
        assert head_of(before + more) == head
        assert len(head) <= HEAD_BYTES
    else:
        assert b"\n" not in before
        assert len(before) < HEAD_BYTES


def test_every_part_of_an_identity_counts():
    first = ("host", "p/log/app/a.log", 1, 2, b"head\n", 0)
    others = [
        ("hosp", "p/log/app/a.log", 1, 2, b"head\n", 0),
        ("host", "p/log/app/b.log", 1, 2, b"head\n", 0),
        ("host", "p/log/app/a.log", 3, 2, b"head\n", 0),
        ("host", "p/log/app/a.log", 1, 3, b"head\n", 0),
        ("host", "p/log/app/a.log", 1, 2, b"heat\n", 0),
        ("host", "p/log/app/a.log", 1, 2, b"head\n", 1),
    ]
    assert identify(*first) == identify(*first)
    sources = {identify(*parts).src for parts in [first, *others]}
    assert len(sources) == 7
    assert all(0 < src < 2**63 for src in sources)
