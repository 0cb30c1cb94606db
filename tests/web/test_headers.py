"""What a request says of its chain, and who is believed."""

from typing import Any

import pytest

from pie.model import Call, current_call
from pie.observe import ServerTrace
from pie.web.headers import chain_headers, parse_traceparent, parse_tracestate, take_chain
from pie.web.peers import TrustedPeers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7"
NOBODY = TrustedPeers()


def take(trusted: TrustedPeers = NOBODY, address: str = "10.1.2.3", **environ: str) -> Call:
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    take_chain(call, environ, trusted, address)
    return call


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a=1", "a=1"),
        ("a=1,b=2", "a=1,b=2"),
        (" a=1 \t,\tb=2 , ", "a=1,b=2"),
        ("", ""),
        ("a=1,,b=2", "a=1,b=2"),
        ("a=1,a=2,b=3", "a=1,b=3"),
        ("fw529a3039@dt=FfAAAAAAAQ, congo=t61", "fw529a3039@dt=FfAAAAAAAQ,congo=t61"),
        ("a= 1", "a= 1"),
        ("a=1=2", ""),
        ("A=1", ""),
        ("a", ""),
        ("a=", ""),
        ("a=1\x00", ""),
        ("a=ü", ""),
        ("z" * 256 + "=1", "z" * 256 + "=1"),
        ("z" * 257 + "=1", ""),
        ("t" * 241 + "@" + "v" * 14 + "=1", "t" * 241 + "@" + "v" * 14 + "=1"),
        ("t" * 242 + "@v=1", ""),
        ("t@" + "v" * 15 + "=1", ""),
        ("a=" + "x" * 256, "a=" + "x" * 256),
        ("a=" + "x" * 257, ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
        (",".join(f"k{n}=1" for n in range(33)), ""),
    ],
)
def test_a_tracestate_is_kept_as_w3c_asks(given: str, kept: str) -> None:
    assert parse_tracestate(given) == kept


def test_a_long_tracestate_loses_long_members_first() -> None:
    long, short = "l=" + "x" * 200, [f"k{n}=" + "y" * 40 for n in range(10)]
    assert parse_tracestate(",".join([*short[:5], long, *short[5:]])) == ",".join(short)
    many = [f"k{n}=" + "y" * 60 for n in range(10)]
    kept = parse_tracestate(",".join(many))
    assert kept == ",".join(many[:8])
    assert len(kept) <= 512


@pytest.mark.parametrize(
    ("flags", "kept"), [("00", "00"), ("01", "01"), ("03", "03"), ("ff", "03"), ("02", "02")]
)
def test_known_flags_are_kept(flags: str, kept: str) -> None:
    assert parse_traceparent(f"{PARENT}-{flags}") == (TRACE, "00f067aa0ba902b7", kept)


def test_a_tracestate_needs_a_traceparent() -> None:
    assert take(HTTP_TRACESTATE="a=1").tracestate == ""
    assert take(HTTP_TRACESTATE="a=1", HTTP_TRACEPARENT="garbage").tracestate == ""
    assert take(HTTP_TRACESTATE="a=1", HTTP_TRACEPARENT=f"{PARENT}-01").tracestate == "a=1"


def test_the_headers_of_a_request_that_goes_on() -> None:
    assert chain_headers() == {}
    call = take(
        TrustedPeers(["10.0.0.0/8"]),
        HTTP_TRACEPARENT=f"{PARENT}-00",
        HTTP_TRACESTATE="a=1",
        HTTP_RPC_PERSIST_USER_ID="李雷".encode().decode("latin-1"),
        HTTP_RPC_TRANSIT_ONCE="1",
    )
    call.span_id = "00000000000000ab"
    token = current_call.set(call)
    try:
        assert chain_headers() == {
            "X-Tt-Logid": TRACE,
            "traceparent": f"00-{TRACE}-00000000000000ab-00",
            "tracestate": "a=1",
            "Rpc-Persist-USER-ID": "李雷".encode().decode("latin-1"),
        }
        call.persist["BAD"] = "a\r\nHost: evil"
        assert "Rpc-Persist-BAD" not in chain_headers()
    finally:
        current_call.reset(token)


def test_lane_and_class_of_traffic_go_on() -> None:
    call = take(
        TrustedPeers(["10.0.0.0/8"]),
        HTTP_RPC_PERSIST_PIE_LANE="boe",
        HTTP_RPC_PERSIST_PIE_TRAFFIC="stress",
    )
    ServerTrace(lambda: TRACE).enter(call)
    assert (call.env, call.traffic) == ("boe", "stress")
    token = current_call.set(call)
    try:
        headers = chain_headers()
    finally:
        current_call.reset(token)
    assert headers["Rpc-Persist-PIE-LANE"] == "boe"
    assert headers["Rpc-Persist-PIE-TRAFFIC"] == "stress"
    call = take(HTTP_RPC_PERSIST_PIE_TRAFFIC="stress")
    ServerTrace(lambda: TRACE).enter(call)
    assert call.traffic == "", "of a peer that nobody trusts"


@pytest.mark.parametrize(
    ("trusted", "address", "believed"),
    [
        ([], "127.0.0.1", False),
        ([], "", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["10.0.0.0/8", "::1"], "10.255.0.1", True),
        (["10.0.0.0/8", "::1"], "::ffff:10.255.0.1", True),
        (["10.0.0.0/8", "::1"], "::1", True),
        (["10.0.0.0/8", "::1"], "11.0.0.1", False),
        (["10.0.0.0/8"], "", False),
        (["10.0.0.0/8"], "no address", False),
        (["unix"], "", True),
        (["unix"], "127.0.0.1", False),
        (["0.0.0.0/0"], "::1", False),
    ],
)
def test_metadata_is_taken_from_trusted_peers_alone(
    trusted: list[str], address: str, believed: bool
) -> None:
    environ: dict[str, Any] = {
        "HTTP_RPC_PERSIST_USER": "admin", "HTTP_RPC_TRANSIT_ONCE": "1", "HTTP_RPC_OTHER": "x"
    }  # fmt: skip
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    take_chain(call, environ, TrustedPeers(trusted), address)
    assert call.persist == ({"USER": "admin"} if believed else {})
    assert call.transit == ({"ONCE": "1"} if believed else {})
    # A view cannot hand on by mistake what is not there.
    assert ("HTTP_RPC_PERSIST_USER" in environ) == believed
    assert environ["HTTP_RPC_OTHER"] == "x"


@pytest.mark.parametrize("peer", ["nonsense", "10.0.0.1/8", "", "10.0.0.0/33"])
def test_what_names_no_peers_is_refused(peer: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        TrustedPeers([peer])
