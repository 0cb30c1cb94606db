"""What a peer says of its chain is believed only where it can be true."""

import pytest
from tests.rpc.peer import Peer

from pie.model import current_call
from pie.thrift import FRAMED, TTHEADER, IntKey, Transport, TTHeader, encode_call

LOGID = "ab" * 16
SPAN = "00f067aa0ba902b7"


@pytest.fixture
def served(start, handler, demo):
    """Sends a request; (logid, parent) of the call that it was."""
    seen = []
    inner = handler.GetItem

    def get(req):
        call = current_call.get()
        seen.append((call.logid, call.parent_id))
        return inner(req)

    handler.GetItem = get
    method = demo.DemoService.methods["GetItem"]
    peer = Peer(demo, start(handler))

    def send(span: str, transport: Transport) -> tuple[str, str]:
        request = demo.Demo2Request(ItemId=1)
        header = TTHeader()
        if transport is TTHEADER:
            header.ints[IntKey.SPAN_CONTEXT] = span
        else:
            request.Base = demo.base.Base(Extra={"traceparent": span})
        peer.sock.sendall(encode_call(method, method.args(request), 1, transport, header))
        peer.reply()
        return seen.pop()

    yield send
    peer.close()


@pytest.mark.parametrize("transport", [TTHEADER, FRAMED])
def test_a_span_that_is_none_is_passed_over(served, transport) -> None:
    assert served(f"00-{LOGID}-{SPAN}-01", transport) == (LOGID, SPAN)
    assert served(f"00-{LOGID.upper()}-{SPAN.upper()}-01", transport) == (LOGID, SPAN)
    for bad in ("x" * 16, "0" * 16, SPAN[:15] + "\n", SPAN[:15] + "\x7f", "\xe9" * 8, SPAN[1:]):
        logid, parent = served(f"00-{LOGID}-{bad}-01", transport)
        assert logid != LOGID
        assert parent == ""
