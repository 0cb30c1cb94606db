"""Pie as ``python bootstrap.py`` runs it: access log, call records and aggregates on, in files; no
platform is there. The variant ``gunicorn`` is its HTTP server in Python.
"""

import os
from pathlib import Path

import pie
from pie._core import native, reason
from sides.side import Asked, become, main

BOOTSTRAP = Path(__file__).resolve().parents[1] / "workload" / "bootstrap.py"
_CORE = "C core" if native is not None else f"Python twins ({reason})"


def serve(asked: Asked) -> None:
    os.environ |= {
        "RUNTIME_ROOT": os.environ["BENCH_FOLDER"],
        "PIE_PLATFORM": "http://127.0.0.1:9",  # Nobody listens there.
        "PIE_PSM": "bench.http.api",
        "PIE_PORT": str(asked.port),
        "PIE_THREADS": str(asked.threads),
        "PIE_DRAIN_SECONDS": "0.5",
        "BENCH_VARIANT": asked.variant,
    }
    become(BOOTSTRAP, asked.app)


if __name__ == "__main__":
    main(
        serve,
        ["pie-runtime", "flask", "django", "gunicorn"],
        f"Pie {pie.__version__}, {_CORE}, access log, records and aggregates on",
    )
