"""What proxies say of the client: the PROXY protocol, X-Forwarded fields, and who may say it."""

import ipaddress
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.http.parse import steady
from tests.core.http.test_environ import UNIX, get

from pie._core import native
from pie.web.peers import TrustedPeers

pytestmark = pytest.mark.usefixtures("native")
V2 = b"\r\n\r\n\0\r\nQUIT\n"
ALICE = "10.1.2.3"


def proxy(data: bytes) -> Any:
    assert native is not None
    return native.http_proxy(data)


def v2(family: int, addresses: bytes, command: int = 0x21) -> bytes:
    return V2 + struct.pack(">BBH", command, family, len(addresses)) + addresses


def addresses(family: int, client: str, port: int) -> bytes:
    packed = socket.inet_pton(family, client)
    return packed + packed + struct.pack(">HH", port, 80)


IPV4 = addresses(socket.AF_INET, ALICE, 4711)
IPV6 = addresses(socket.AF_INET6, "2001:db8::1", 4711)
TLV = b"\x04\0\1x"

GOOD = [
    (b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\n", "10.1.2.3:4711"),
    (b"PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n", "[2001:db8::1]:65535"),
    (b"PROXY UNKNOWN\r\n", ""),
    (b"PROXY UNKNOWN whatever it is\r\n", ""),
    (v2(0x11, IPV4), "10.1.2.3:4711"),
    (v2(0x11, IPV4 + TLV), "10.1.2.3:4711"),
    (v2(0x21, IPV6), "[2001:db8::1]:4711"),
    (v2(0x00, b"", 0x20), ""),
    (v2(0x11, IPV4, 0x20), ""),
    (v2(0x31, bytes(216)), ""),
    (v2(0x00, TLV), ""),
]

BAD = [
    b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\n",
    b"PROXY TCP4  10.1.2.3 10.0.0.1 4711 80\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80 \r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80 90\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 4711\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 \r\n",
    b"PROXY TCP4 10.1.2.3\0 10.0.0.1 4711 80\r\n",
    b"PROXY TCP4 10.1.2.300 10.0.0.1 4711 80\r\n",
    b"PROXY TCP4 ::1 ::1 4711 80\r\n",
    b"PROXY TCP6 10.1.2.3 10.0.0.1 4711 80\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 65536 80\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 0080 80\r\n",
    b"PROXY TCP4 10.1.2.3 10.0.0.1 -1 80\r\n",
    b"PROXY UDP4 10.1.2.3 10.0.0.1 4711 80\r\n",
    b"PROXY \r\n",
    b"PROXY \n",
    b"PROXY UNKNOWNX\r\n",
    b"PROXY TCP4 " + b"1" * 96,
    v2(0x11, IPV4[:-1]),
    v2(0x21, IPV4),
    v2(0x11, IPV4, 0x22),
    v2(0x11, IPV4, 0x11),
    v2(0x11, IPV4 + bytes(5000)),
]


@pytest.mark.parametrize(("data", "peer"), GOOD)
def test_a_header_names_the_peer(data: bytes, peer: str) -> None:
    assert proxy(data + b"GET / HTTP/1.1\r\n") == ("whole", len(data), peer)
    for size in range(len(data)):
        assert proxy(data[:size])[0] == "partial"


@pytest.mark.parametrize("data", BAD)
def test_a_damaged_header_is_refused(data: bytes) -> None:
    state, _, text = proxy(data)
    assert (state, bool(text)) == ("bad", True)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", b"PROXYING / HTTP/1.1", b"\r\nGET", b"\0"])
def test_what_is_no_header(data: bytes) -> None:
    assert proxy(data) == ("none", 0, "")


@steady
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 60), st.binary(min_size=1, max_size=3))
def test_a_header_with_damage_breaks_nothing(which: int, at: int, bits: bytes) -> None:
    data = bytearray(GOOD[which][0])
    data[at : at + len(bits)] = bits
    state, size, _ = proxy(bytes(data))
    assert state != "whole" or 0 < size <= len(data)


# --- Trust. ---

NETWORKS = ("10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "::1", "192.168.1.128/25", "0.0.0.0/32")


def trusts(networks: tuple[str, ...], peer: str) -> bool:
    assert native is not None
    return bool(native.http_trusts(networks, peer))


@steady
@given(
    st.lists(st.sampled_from([*NETWORKS, "::/0", "0.0.0.0/0", "unix"]), max_size=3).map(tuple),
    st.one_of(
        st.ip_addresses().map(str),
        st.sampled_from(["10.255.0.1", "::ffff:10.0.0.1", "192.168.1.127", "192.168.1.200", "::1"]),
    ),
)
def test_networks_are_those_of_the_twin(networks: tuple[str, ...], address: str) -> None:
    peer = f"[{address}]:1" if ":" in address else f"{address}:1"
    assert trusts(networks, peer) is TrustedPeers(networks).trusts(address)
    assert trusts(networks, "unix") is TrustedPeers(networks).trusts("")


@steady
@given(
    st.one_of(
        st.text("0123456789./:af", max_size=12),
        st.sampled_from(["10.0.0.1/8", "::1/64", "10.0.0.0/33", "::/129", "10.0.0.0/", "/8"]),
    )
)
def test_what_is_no_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        with pytest.raises(ValueError, match="is no network"):
            trusts((text,), "unix")


def test_no_more_networks_than_there_is_room_for() -> None:
    many = tuple(f"10.0.0.{n}" for n in range(65))
    assert trusts(many[:64], "10.0.0.63:1")
    with pytest.raises(ValueError, match=r"10\.0\.0\.64 is no network"):
        trusts(many, "10.0.0.63:1")


# --- X-Forwarded. ---


def forwarded(*fields: str, peer: str = "10.0.0.1:1", **options: Any) -> dict[str, Any]:
    return get(*fields, peer=peer, trusted=("10.0.0.0/8", "unix"), **options)


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4,10.9.9.9 , 10.0.0.2"], "1.2.3.4"),
        (["1.2.3.4", "10.9.9.9"], "1.2.3.4"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["::1"], "::1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["1.2.3.4:4711"], "1.2.3.4"),
        (["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
        (["6.6.6.6, , 10.0.0.2"], "10.0.0.2"),
        ([", ".join(["6.6.6.6", *["10.0.0.2"] * 40])], "10.0.0.2"),
        (["unknown"], None),
        (["1.2.3.4, _hidden"], None),
        (["[::1"], None),
        (["1.2.3.4:"], "1.2.3.4"),
        ([""], None),
        (["<script>"], None),
    ],
)
def test_the_client_behind_trusted_proxies(values: list[str], client: str | None) -> None:
    fields = [f"X-Forwarded-For: {value}" for value in values]
    made = forwarded(*fields)
    assert made["REMOTE_ADDR"] == (client or "10.0.0.1")
    assert ("REMOTE_PORT" in made) is (client is None)
    assert forwarded(*fields, peer="unix")["REMOTE_ADDR"] == (client or "")
    assert forwarded(*fields, peer="11.0.0.1:1")["REMOTE_ADDR"] == "11.0.0.1"


def test_scheme_host_and_prefix() -> None:
    fields = ["X-Forwarded-Proto: HTTPS", "X-Forwarded-Host: evil, pub.example:444"]
    fields += ["X-Forwarded-Prefix: /my%20app/"]
    made = forwarded(*fields, line="GET /a HTTP/1.1")
    assert (made["wsgi.url_scheme"], made["HTTP_HOST"]) == ("https", "pub.example:444")
    assert (made["SCRIPT_NAME"], made["PATH_INFO"]) == ("/my app", "/a")
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == ("pub.example", "444")
    made = forwarded("X-Forwarded-Proto: https", fixed=UNIX)
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == ("example.com", "443")
    made = get(*fields, trusted=("unix",))
    assert (made["wsgi.url_scheme"], made["HTTP_HOST"]) == ("http", "example.com")
    assert (made["SCRIPT_NAME"], made["SERVER_NAME"]) == ("", "127.0.0.1")


@pytest.mark.parametrize(
    "field",
    [
        "Proto: gopher",
        "Proto: https, x",
        "Host: a/b",
        "Host: a,",
        "Prefix: //evil.example",
        "Prefix: evil",
        "Prefix: /",
        "Prefix: /a\\b",
        "Prefix: /a?b",
        "Prefix: /" + "a" * 2000,
    ],
)
def test_what_cannot_be_believed_changes_nothing(field: str) -> None:
    made = forwarded(f"X-Forwarded-{field}")
    name = "HTTP_X_FORWARDED_" + field.partition(":")[0].upper()
    assert made == forwarded() | {name: field.partition(": ")[2]}
