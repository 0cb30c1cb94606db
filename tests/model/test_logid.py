import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.model import LogidGenerator, logid_address, logid_time, new_span_id, normalise_logid
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
