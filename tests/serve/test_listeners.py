"""The listening socket of a service."""

import socket

from pie.serve.listeners import listen


def test_connections_send_small_parts_of_an_answer_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
