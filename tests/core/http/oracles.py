"""The same streams read by h11 and by httptools (llhttp), which Node.js uses as well."""

from typing import Any

import h11
import httptools
from tests.core.http.parse import Request, Stream


def by_h11(data: bytes) -> Stream:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    requests: list[Request] = []
    head: Any = None
    parts: list[bytes] = []
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return Stream(requests, (error.error_status_hint, str(error)))
        if isinstance(event, h11.Request):
            head, parts = event, []
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            fields = [(bytes(name), bytes(value)) for name, value in head.headers]
            requests.append(Request(head.method, head.target, fields, b"".join(parts)))
            connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return Stream(requests)  # It will be closed.
            connection.start_next_cycle()
        else:  # NEED_DATA, PAUSED, ConnectionClosed
            return Stream(requests)


class _Collector:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._target, self._fields, self._body = b"", list[tuple[bytes, bytes]](), b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_headers_complete(self) -> None:
        self._head = self._fields.copy()  # What comes later are trailers.

    def on_message_complete(self) -> None:
        method = self.parser.get_method()
        self.requests.append(Request(method, self._target, self._head, self._body))


def by_httptools(data: bytes) -> Stream:
    collector = _Collector()
    try:
        collector.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return Stream(collector.requests)
    except httptools.HttpParserError as error:
        return Stream(collector.requests, (400, str(error)))
    return Stream(collector.requests)


ORACLES = {"h11": by_h11, "httptools": by_httptools}
