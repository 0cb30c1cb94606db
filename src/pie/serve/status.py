"""``/healthz`` and ``/metrics`` over HTTP, on the port of a Thrift service."""

import os
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pie.loop.complaints import Complaints
from pie.loop.native_loop import Speaker, SpeakerFactory
from pie.serve.in_flight import calls_in_flight
from pie.web.server.native_http import NativeHttp
from pie.web.server.options import HttpOptions
from pie.web.start import Environ, StartResponse

TEXT = "text/plain; charset=utf-8"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
_PAGE = os.sysconf("SC_PAGE_SIZE")


class StatusPages:
    """A WSGI application that says how a process is.

    Args:
        native: the extension.
        psm: of the service.
        cluster: of this instance.
        version: of the service's code.
        leaves: whether the service has begun to stop: it is healthy until then.
    """

    def __init__(
        self,
        native: ModuleType,
        psm: str,
        cluster: str,
        version: str,
        leaves: Callable[[], bool],
    ) -> None:
        self._native = native
        self._labels = {"psm": psm, "cluster": cluster, "version": version}
        self._leaves = leaves
        self._started = time.time()
        self.load: Callable[[], Mapping[str, int]] = dict
        """What the server holds now."""

    def speakers(self, listener: socket.socket) -> SpeakerFactory:
        """Makes HTTP for the loop of a server."""
        options = HttpOptions(body_limit=0, idle_timeout=75.0, head_timeout=5.0)

        def make(_crowd: Any) -> Sequence[Speaker]:
            return [NativeHttp(self._native, self, listener, options, Complaints())]

        return make

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path, verb = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        kind = TEXT
        if path not in ("/healthz", "/metrics"):
            status, text = "404 Not Found", "this port has /healthz and /metrics\n"
        elif verb not in ("GET", "HEAD"):
            status, text = "405 Method Not Allowed", "GET it\n"
        elif path == "/metrics":
            status, text, kind = "200 OK", self.metrics(), EXPOSITION
        elif self._leaves():
            status, text = "503 Service Unavailable", "stopping\n"
        else:
            status, text = "200 OK", "ok\n"
        start_response(status, [("Content-Type", kind), ("Cache-Control", "no-store")])
        return [text.encode()]

    def metrics(self) -> str:
        """The gauges of the process in the text format of Prometheus."""
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in self._labels.items())
        lines = ["# TYPE pie_info gauge", f"pie_info{{{labels}}} 1"]
        for name, value in self.load().items():
            lines += [f"# TYPE pie_{name} gauge", f"pie_{name} {value}"]
        sides = Counter(each.call.side for each in calls_in_flight())
        lines.append("# TYPE pie_calls_in_flight gauge")
        for side in ("server", "client"):
            lines.append(f'pie_calls_in_flight{{side="{side}"}} {sides[side]}')
        used = resource.getrusage(resource.RUSAGE_SELF)
        lines += [
            "# TYPE process_cpu_seconds_total counter",
            f"process_cpu_seconds_total {used.ru_utime + used.ru_stime:.3f}",
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self._started:.3f}",
        ]
        if (memory := _resident()) is not None:
            lines += ["# TYPE process_resident_memory_bytes gauge"]
            lines += [f"process_resident_memory_bytes {memory}"]
        return "\n".join([*lines, ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident() -> int | None:
    """Bytes; None where there is no /proc."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return None
