"""A union from a newer peer: with a member that the older IDL does not have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.thrift import CodecError, Protocol, decode, encode, load_module
from pie.thrift.codec import python

OLD = "union U { 1: i32 number, 2: string text } struct Holder { 1: required U u, 2: i32 after }"
NEW = """
struct Inner { 1: list<map<i32, string>> deep }
union U {
    1: i32 number, 2: string text, 3: Inner inner, 4: bool flag, 5: double real, 6: set<i8> few
}
struct Holder { 1: required U u, 2: i32 after, 3: U more }
"""


@pytest.fixture(scope="module")
def old():
    return load_module(OLD)


@pytest.fixture(scope="module")
def new():
    return load_module(NEW)


@pytest.fixture(params=["chosen", "twin"])
def read(request):
    return decode if request.param == "chosen" else python.decode


@pytest.mark.parametrize("protocol", Protocol)
def test_what_is_around_it_is_read(old, new, read, protocol) -> None:
    members = [
        new.U(inner=new.Inner(deep=[{1: "x"}])), new.U(flag=True), new.U(flag=False),
        new.U(real=1.5), new.U(few={1, 2}),
    ]  # fmt: skip
    for member in members:
        data = encode(new.Holder(u=member, after=7, more=member), protocol=protocol)
        found = read(old.Holder, data, protocol=protocol)
        assert (found.u, found.after) == (old.U(), 7)
        with pytest.raises(CodecError, match="a union has exactly one field set, this one has 0"):
            encode(found, protocol=protocol)
    data = encode(new.Holder(u=new.U(text="x"), after=7), protocol=protocol)
    assert read(old.Holder, data, protocol=protocol).u == old.U(text="x")


def test_a_known_member_of_another_type_is_unknown(old, read) -> None:
    data = bytes.fromhex("0c 0001 0b 0001 00000001 78 00 08 0002 00000007 00")
    found = read(old.Holder, data)
    assert (found.u, found.after) == (old.U(), 7)


@pytest.mark.parametrize(
    ("data", "count"),
    [("0c 0001 00 00", 0), ("0c 0001 08 0001 00000001 0b 0002 00000000 00 00", 2)],
)
def test_none_and_several_are_errors_as_before(old, read, data, count) -> None:
    with pytest.raises(CodecError, match=rf"^Holder\.u: .*this one has {count}$"):
        read(old.Holder, bytes.fromhex(data))


@settings(derandomize=True, deadline=None, max_examples=examples(200))
@given(st.binary(max_size=24), st.sampled_from(Protocol))
def test_twins(old, data, protocol) -> None:
    def outcome(read):
        try:
            return read(old.U, data, protocol=protocol)
        except CodecError as error:
            return str(error)

    assert outcome(decode) == outcome(python.decode)
