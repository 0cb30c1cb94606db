"""The platform's process has no descriptor left for a while."""

import resource
import signal
import socket
import time
from pathlib import Path


def test_it_says_so_in_a_few_lines_and_goes_on(own_platform):
    process = own_platform.process
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    used = max(int(each.name) for each in Path(f"/proc/{process.pid}/fd").iterdir()) + 1
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used, hard))
    waiting = [socket.create_connection(("127.0.0.1", own_platform.port)) for _ in range(5)]
    time.sleep(1.5)  # asyncio tries again each second
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for each in waiting:
        each.close()
    assert own_platform.ask("GET", "/api/services").status == 200
    own_platform.process = None
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "cannot accept a connection: Too many open files" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 10
