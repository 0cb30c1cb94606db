"""What a side's server does to take part. Sides run in environments of their own, so this file
needs the standard library only.
"""

import signal
import socket
import threading


def ready(port: int) -> None:
    """Tell the runner where to call."""
    print(f"ready {port}", flush=True)


def free_port() -> int:
    """For servers that cannot say which port the system gave them."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for_stop() -> None:
    """Until SIGTERM or SIGINT."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
