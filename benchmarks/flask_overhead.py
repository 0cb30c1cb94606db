"""What Pie costs a Flask request: the same application bare and as a member of the fleet.

In process, without sockets: interleaved rounds, CPU time per request (all threads of the process,
the recorder's too), medians. Everything is on: trace, record, aggregate, access line.

    python benchmarks/flask_overhead.py
"""

import statistics
import tempfile
import time
from pathlib import Path

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from pie.call import Runtime
from pie.observe import Identity, Observer
from pie.state import Directory, MemoryStore
from pie.web.flask import instrument

ROUNDS, REQUESTS = 15, 2000


def make_app() -> Flask:
    app = Flask(__name__)

    @app.get("/hello/<name>")
    def hello(name: str) -> str:
        return f"hello {name}"

    return app


def cpu_per_request(app: Flask) -> float:
    """CPU microseconds per request of one round."""
    environ = EnvironBuilder(path="/hello/world").get_environ()
    start = time.process_time()
    for _ in range(REQUESTS):
        _, status, _ = run_wsgi_app(app, dict(environ), buffered=True)
        assert status == "200 OK"
    return (time.process_time() - start) / REQUESTS * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        observer = Observer(Identity(psm="bench.flask.api"), root, root / "service")
        bare, governed = make_app(), make_app()
        instrument(governed, Runtime(observer, Directory(MemoryStore(), None)))
        cpu_per_request(bare), cpu_per_request(governed)
        rounds = [(cpu_per_request(bare), cpu_per_request(governed)) for _ in range(ROUNDS)]
        observer.close()
    before = statistics.median(each[0] for each in rounds)
    after = statistics.median(each[1] for each in rounds)
    ratio = statistics.median(each[1] / each[0] for each in rounds)
    print(f"bare {before:.1f} us, with Pie {after:.1f} us, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
