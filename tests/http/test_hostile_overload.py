"""More requests than threads."""

import threading

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_server_that_was_overloaded_serves_on(serve, client) -> None:
    go_on = threading.Event()
    begun = threading.Semaphore(0)

    def app(environ, start_response):
        begun.release()
        assert go_on.wait(60)
        start_response("200 OK", [])
        return [b"fine"]

    port = serve(app, max_threads=2, overload_timeout=0.05)
    # Two threads are busy, and so is the one that would refuse: this application does not. Nobody
    # leads then, and nobody can be made the leader.
    clients = [client(port).send(GET) for _ in range(3)]
    for _ in range(3):
        assert begun.acquire(timeout=30)
    late = client(port).send(GET)
    import time

    time.sleep(0.3)  # The watchdog would make a leader of the thread that refuses.
    go_on.set()
    for one in [*clients, late, client(port).send(GET)]:
        one.until(b"\r\n\r\nfine")
