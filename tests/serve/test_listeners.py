"""The listening socket of a service."""

import errno
import socket
import sys

import pytest

from pie.serve.listeners import drop_newcomers, listen


def test_connections_send_small_parts_of_an_answer_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
def test_newcomers_are_dropped_and_who_has_connected_is_not() -> None:
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            drop_newcomers(listener)
            with socket.socket() as late:
                late.setblocking(False)
                assert late.connect_ex(address) == errno.EINPROGRESS
                accepted, peer = listener.accept()
                with accepted:
                    assert peer == early.getsockname()
                    early.sendall(b"x")
                    assert accepted.recv(1) == b"x"
                listener.setblocking(False)
                with pytest.raises(BlockingIOError):
                    listener.accept()
                listener.close()
                late.setblocking(True)
                with pytest.raises(ConnectionRefusedError):  # When it has sent its SYN again.
                    late.connect(address)


def test_an_address_of_another_machine_names_the_setting() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:0: .*; set HOST to an"):
        listen("192.0.2.1", 0)


def refuse(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_kernel_that_refuses_the_filter_changes_nothing(monkeypatch) -> None:
    with listen("127.0.0.1", 0) as listener:
        monkeypatch.setattr(socket.socket, "setsockopt", refuse)
        drop_newcomers(listener)
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()
