import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.model import (
    LogidGenerator,
    accept_logid,
    chain_of,
    logid_address,
    logid_time,
    new_span_id,
    normalise_logid,
    trace_id_of,
)
from pie.testing import FakeClock

SEED_LOGID = "2017041721432901000304821652640C"


def generator(address: str = "10.3.48.216", slot: int = 0x52, **options) -> LogidGenerator:
    clock = FakeClock(wall=datetime(2017, 4, 17, 21, 43, 29, tzinfo=UTC).timestamp())
    return LogidGenerator(address, slot, clock=clock, random=random.Random(1), **options)


def test_layout_is_the_seeds() -> None:
    logid = generator()()
    assert logid[:26] == "20170417214329" + "010003048216"
    assert logid[26:28] == "52"
    assert len(logid) == 32


def test_the_seeds_own_logid_can_be_read() -> None:
    logid = normalise_logid(SEED_LOGID)
    assert logid == SEED_LOGID.lower()
    assert logid_time(logid) == datetime(2017, 4, 17, 21, 43, 29, tzinfo=UTC)
    assert logid_address(logid) == "10.3.48.216"


def test_a_logid_is_a_w3c_trace_id() -> None:
    logid = generator()()
    assert normalise_logid(logid) == logid


def test_one_process_repeats_none_within_a_second_and_65536_calls() -> None:
    make = generator()
    assert len({make() for _ in range(65536)}) == 65536


def test_processes_of_a_host_differ_by_slot() -> None:
    assert generator(slot=1)()[:28] != generator(slot=2)()[:28]


def test_time_is_in_the_fleets_zone() -> None:
    zone = timezone(timedelta(hours=8))
    assert generator(zone=zone)()[:14] == "20170418054329"


def test_ipv6_entry_is_hashed() -> None:
    logid = generator("2001:db8::1")()
    assert normalise_logid(logid) == logid
    assert logid[14:26] == generator("2001:db8::1")()[14:26] != generator("2001:db8::2")()[14:26]


def test_slot_is_bounded() -> None:
    with pytest.raises(ValueError, match="256"):
        generator(slot=256)


def test_a_foreign_trace_id_is_a_logid_without_time_or_address() -> None:
    foreign = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert normalise_logid(foreign.upper()) == foreign
    assert logid_time(foreign) is None
    assert logid_address(foreign) is None


@pytest.mark.parametrize("text", ["", "0", "0" * 32, "g" * 32, "1" * 31, "1" * 33, "é" * 32])
def test_what_is_not_a_logid(text: str) -> None:
    assert normalise_logid(text) is None


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    logid = normalise_logid(text)
    if logid is not None:
        logid_time(logid)
        logid_address(logid)


def test_span_ids_are_never_zero() -> None:
    class Zero:
        def random(self) -> float:
            return 0.0

        def getrandbits(self, k: int, /) -> int:
            return 0

    assert new_span_id(Zero()) == "0" * 15 + "1"
    assert len(new_span_id()) == 16


KITEX = "02" + "1733000000000" + "0" * 20 + "ffff0a0b0c0d1e2f3a"
SPAN = "1" * 16


@pytest.mark.parametrize("name", [KITEX, "a", "x/y?z#%20", '"quoted"\\', "~" * 64, "02", "a" * 31])
def test_a_name_of_another_form_is_kept(name) -> None:
    assert accept_logid(name) == accept_logid(f" {name}\n") == name
    assert (logid_time(name), logid_address(name)) == (None, None)
    stands = trace_id_of(name)
    assert normalise_logid(stands) == stands == trace_id_of(name) != name
    assert chain_of(name, "", "").note == f"W3C trace id {stands} stands for logid {name}"
    assert chain_of(name, stands, SPAN)[:2] == (name, SPAN)
    assert chain_of(name, "a" * 32, SPAN)[:2] == (name, "")


@pytest.mark.parametrize(
    "name", ["", "-", "0", "0" * 32, "x" * 65, "a b", "a\tb", "\u8336", "a\x7f"]
)
def test_what_is_no_name(name) -> None:
    assert accept_logid(name) is None
    assert chain_of(name, "a" * 32, SPAN) == ("a" * 32, SPAN, "")
    assert chain_of(name, "", "") == ("", "", "")


def test_of_two_logids_of_one_form_the_trace_id_wins() -> None:
    assert accept_logid(SEED_LOGID) == SEED_LOGID.lower() == trace_id_of(SEED_LOGID.lower())
    assert chain_of(SEED_LOGID, "a" * 32, SPAN) == ("a" * 32, SPAN, "")
    assert chain_of(SEED_LOGID, "", "") == (SEED_LOGID.lower(), "", "")


def test_a_trace_id_is_not_taken_for_a_time_before_logids() -> None:
    assert logid_time("0217" + "1" * 28) is None
    assert logid_time("2017" + "1" * 28) is not None
