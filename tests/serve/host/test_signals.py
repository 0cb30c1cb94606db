"""Signals of a service and of its children, each to its own."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os, signal, sys, threading, time

from pie.serve.host.signals import StopSignals

def mine(number, frame):
    os._exit(40 + number)  # A handler that the user installed before the service began.

signal.signal(signal.SIGTERM, mine)
signal.signal(signal.SIGUSR1, mine)
came = []
StopSignals(lambda number, count: came.append((number.name, count))).follow()

def end(number, fork, after=0.0):
    child = fork()
    if not child:
        time.sleep(10)
        os._exit(9)  # The signal was lost.
    then = time.perf_counter() + after
    while time.perf_counter() < then:
        pass
    os.kill(child, number)  # It may not have run yet, or be within its functions of forks.
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def own():
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
        os.write(tell, b"x")
        time.sleep(60)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def work():
    print({end(signal.SIGTERM, os.fork) for _ in range(50)})
    print({end(signal.SIGUSR1, os.fork) for _ in range(50)})
    print({end(signal.SIGINT, os.fork, n * 1e-5) for n in range(200)} <= {-2, 0})
    print({end(signal.SIGKILL, os.fork)}, own(), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    # A fork that Python does not hear of: its child may ignore the signal, but not pass it on.
    child = ctypes.PyDLL(None).fork()
    if not child:
        signal.pause()
        os._exit(0)
    time.sleep(0.1)
    os.kill(child, signal.SIGTERM)
    time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(came)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)

thread = threading.Thread(target=work)  # As a handler runs.
thread.start()
while len(came) < 2:
    time.sleep(0.01)
thread.join()
print(sorted(came))
"""


@pytest.mark.slow
def test_a_signal_is_for_the_process_that_gets_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    lines = ran.stdout.splitlines()
    assert lines[:4] == ["{55}", "{50}", "True", "{-9} 7 set()"], ran.stderr
    assert lines[4] == "[]"
    assert {name for name in ("SIGTERM", "SIGINT") if name in lines[5]} == {"SIGTERM", "SIGINT"}
