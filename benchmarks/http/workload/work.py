"""The work of the views, the same on every side; the standard library only."""

import os
import time
from functools import cache

from workload.data import COMPUTE_SECONDS, SLEEP_MS, WAIT_SECONDS

FILE = os.environ.get("BENCH_FILE", "")
"""The file that is sent."""


def compute() -> bytes:
    """Use the processor, in Python, for a time of this thread's own."""
    end, total = time.thread_time() + COMPUTE_SECONDS, 0
    while time.thread_time() < end:
        for number in range(200):
            total = (total + number * number) & 0xFFFF
    return b"computed"


def wait() -> bytes:
    """Wait without using the processor, as for a database."""
    time.sleep(WAIT_SECONDS)
    return b"waited"


def sleep() -> bytes:
    """Wait a little longer."""
    time.sleep(SLEEP_MS / 1000)
    return b"slept"


def call_thrift() -> bytes:
    """Make one Thrift call, with the client that the side's services would use."""
    return str(len(_client().echo())).encode()


@cache
def _client():
    if os.environ["BENCH_CLIENT"] == "pie":
        from workload.pie_client import Client
    else:
        from workload.thriftpy2_client import Client
    return Client()
