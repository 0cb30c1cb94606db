"""A service's process: what it says at its start, where its output goes, and how it ends."""

import contextlib
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pie.state import RemoteStore, lookup_services
from pie.thrift import FRAMED, FrameSplitter, decode_reply, encode_call, load_module

DEMO = {
    "bootstrap": (
        "import settings\nfrom pie import serve\n"
        "serve.thrift('service:DemoService', 'handler:Handler', settings)\n"
    ),
    "service": (
        "from pie.thrift import load_module\n"
        "DemoService = load_module('service DemoService { i32 Double(1: i32 n) }').DemoService\n"
    ),
    "handler": ("class Handler:\n    def Double(self, n: int) -> int:\n        return 2 * n\n"),
}
LINE = re.compile(
    r"INFO \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \S+:\d+ 127\.0\.0\.1 toutiao\.my\.api 0 - "
    r"process=\d+ thread=\d+ data=(.*)"
)


def said(printed: str) -> list[str]:
    """The messages of log lines, other lines whole."""
    found = []
    for line in printed.splitlines():
        match = LINE.fullmatch(line)
        found.append(match[1] if match else line)
    return found


def test_an_http_service_in_debug_mode_shows_everything(services) -> None:
    port = services.free_port()
    services.write(f"PORT = {port}\nDEBUG = True\n")
    running = services.start()
    printed = said(running.read_until("Debug socket"))
    assert printed[:2] == [
        "I will use in-memory cache",
        f" * Running on http://127.0.0.1:{port}/ (Press CTRL+C to quit)",
    ]
    assert printed[2].startswith(f"Debug socket: {services.root}/toutiao/debug/toutiao.my.api.")
    assert running.get(port) == (200, b"Hello world")
    assert running.get(port) == (200, b"Hello world")
    printed, errors = running.stop(signal.SIGINT)
    assert running.process.returncode == 0, errors
    assert errors == ""
    assert printed.count("data=GET / 200 ok") == printed.count("GET /") == 2
    assert "data=stopping on SIGINT" in printed
    assert not any((services.root / "toutiao/debug").iterdir())


def test_a_thrift_service_says_what_the_seed_says(services) -> None:
    port = services.free_port()
    services.write(f"PORT = {port}\nDEBUG = True\n", **DEMO)
    running = services.start()
    printed = said(running.read_until("Debug socket"))
    assert printed[:2] == [
        f"Using port: {port} from settings.py",
        f"Starting ... with port: {port}",
    ]
    running.stop()
    assert running.process.returncode == 0


def test_a_thrift_service_on_a_unix_socket(services, state) -> None:
    path = services.root / "s"
    services.write(f"HOST = 'unix:{path}'\n", **DEMO)
    running = services.start(PIE_PLATFORM=state, PIE_TOKEN="t")
    printed = said(running.read_until("stdout and stderr"))
    assert f"Starting ... with socket: unix:{path}" in printed
    found = running.until(lambda: instances(state), "its registration")
    assert (found[0].address, found[0].port) == (f"unix:{path}", 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        assert double(sock, 21) == 42
    running.stop()
    assert running.process.returncode == 0
    again = services.start(PIE_PLATFORM=state, PIE_TOKEN="t")  # What was left is replaced.
    again.read_until("Starting ... with socket")
    again.stop()


def test_a_thrift_service_speaks_tls(services) -> None:
    port = services.free_port()
    pem = Path(__file__).parents[1] / "rpc" / "tls" / "localhost.pem"
    (services.root / "cert.pem").write_text(pem.read_text())
    services.write(f"PORT = {port}\nTLS_CERT = 'cert.pem'\nTHREADS = 3\n", **DEMO)
    running = services.start()
    running.read_until("Starting ... with port")
    context = ssl.create_default_context(cafile=pem)
    with (
        running.until(lambda: connected(port), "its port"),
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        assert double(sock, 4) == 8
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("TLS_CERT = 'none.pem'", "TLS_CERT 'none.pem'"),
        ("TLS_KEY = 'key.pem'", "TLS_CERT is not"),
        ("HOST = 'unix:s'", "absolute path"),
        ("FRAME_LIMIT = 7", "choose 1024 bytes"),
    ],
)
def test_settings_of_thrift_that_cannot_be(services, lines, words) -> None:
    services.write(f"{lines}\n", **DEMO)
    running = services.start()
    _, errors = running.process.communicate(timeout=60)
    assert running.process.returncode == 1
    assert words in errors


def instances(state: str):
    found = lookup_services(RemoteStore(state, "t")).get("toutiao.my.api")
    return found.instances if found is not None else ()


def connected(port: int) -> socket.socket | None:
    try:
        return socket.create_connection(("127.0.0.1", port))
    except OSError:
        return None


def double(sock: socket.socket, number: int) -> int:
    """One call of the demo service."""
    sock.settimeout(10)
    service = load_module("service DemoService { i32 Double(1: i32 n) }").DemoService
    method = service.methods["Double"]
    sock.sendall(encode_call(method, method.args(number), 1, FRAMED))
    splitter = FrameSplitter()
    while (frame := splitter.take()) is None:
        splitter.feed(sock.recv(4096))
    return method.unpack(decode_reply(method, frame))


def test_without_debug_mode_the_start_lines_are_all_the_console_sees(services) -> None:
    views = (
        "import ctypes, logging, os\nfrom flask import Flask\napp = Flask(__name__)\n"
        "logging.getLogger(__name__).info('imported')\n"
        "@app.get('/')\ndef hello():\n"
        "    print('printed 你好')\n"
        "    os.write(1, b'written 1\\n'); os.write(2, b'written 2\\n')\n"
        "    logging.getLogger(__name__).info('logged')\n    return 'ok'\n"
        "@app.get('/crash')\ndef crash():\n"
        "    print('last words')\n    ctypes.string_at(0)\n"
    )
    services.write(views=views)
    running = services.start(LANG="C")
    port = running.port
    assert running.get(port) == (200, b"ok")
    running.until(lambda: "logged" in running.log("app"), "the view's line")
    with contextlib.suppress(OSError):
        running.get(port, "/crash")
    printed, errors = running.wait()
    assert running.process.returncode == -signal.SIGSEGV
    assert errors == ""
    first, *rest = said(printed)
    assert first == "I will use in-memory cache"
    assert [each.partition(" ")[0] for each in rest] == ["", "Debug", "stdout"]
    assert f"{services.root}/toutiao/log/uwsgi/toutiao.my.api.log" in rest[-1]
    output = running.log("uwsgi")
    for words in ("printed 你好", "written 1", "written 2", "last words", "Segmentation fault"):
        assert output.count(words) == 1
    assert "imported" in running.log("app")
    assert "data=" not in output


def test_a_thrift_service_writes_its_output_to_run(services) -> None:
    files = DEMO | {"handler": "print('at import')\n" + DEMO["handler"]}
    services.write(**files)
    running = services.start()
    running.printed = running.process.stdout.read()
    running.process.stderr.read()  # Their ends: what follows goes to the file.

    def asked_for_stacks() -> bool:
        """CPython 3.14 writes "<freed thread state>" while a thread is starting: ask again then."""
        os.kill(running.process.pid, signal.SIGUSR2)
        return "most recent call first" in running.log("run")

    running.until(asked_for_stacks, "stacks on SIGUSR2")
    printed, _ = running.stop()
    assert "stopped" not in printed
    assert "at import" in printed
    assert "Using port: " in printed
    assert "stopping on SIGTERM" not in printed
    assert "stopping on SIGTERM" in running.log("python")


def test_the_console_may_be_kept_without_debug_mode(services) -> None:
    views = "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\ndef hello():\n"
    services.write("STDOUT = 'console'\n", views=f"{views}    print('printed')\n    return 'ok'\n")
    running = services.start()
    port = running.port
    running.get(port)
    printed, _ = running.stop()
    assert "printed\n" in printed
    assert "GET /" not in printed
    assert not (services.root / "toutiao/log/uwsgi").exists()


def test_output_that_cannot_go_to_a_file_stays(services) -> None:
    services.write()
    (services.root / "toutiao/log").mkdir(parents=True)
    (services.root / "toutiao/log/uwsgi").write_text("in the way")
    running = services.start()
    assert running.get(running.port)[0] == 200
    printed, _ = running.stop()
    assert "data=stdout and stderr stay here: " in printed


def test_a_burst_of_signals_stops_a_service(services) -> None:
    """The system gives the second one to any thread."""
    services.write(**DEMO)
    running = services.start()
    running.printed = running.process.stdout.read()
    running.process.stderr.read()  # Their ends: what follows goes to the file.
    for _ in range(20):
        os.kill(running.process.pid, signal.SIGUSR2)
    running.stop()
    assert running.process.returncode == 0
    assert "data=stopped" in running.log("python")


def test_a_second_signal_does_not_wait(services) -> None:
    views = (
        "import time\nfrom flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/')\ndef slow():\n    print('here')\n    time.sleep(60)\n"
    )
    services.write("DEBUG = True\n", views=views)
    running = services.start(PYTHONUNBUFFERED="1")
    port = running.port
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        running.read_until("here")
        running.process.send_signal(signal.SIGTERM)
        running.read_until("draining")
        running.stop()
    assert re.search(r"data=cut GET .* after .*: SIGTERM came again", running.printed)
    assert running.process.returncode == 128 + signal.SIGTERM


def test_who_comes_while_it_stops_is_refused_at_once_and_nobody_is_reset(services) -> None:
    views = (
        "import time\nfrom flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/slow')\ndef slow():\n    print('here')\n    time.sleep(3)\n    return 'ok'\n"
        "@app.get('/')\ndef fast():\n    return 'ok'\n"
    )
    services.write("DEBUG = True\n", views=views)
    running = services.start(PYTHONUNBUFFERED="1")
    port = running.port
    ends: list[tuple[float, type]] = []

    def come_until_refused() -> None:
        try:
            while running.get(port)[0] == 200:
                pass
        except OSError as error:
            ends.append((time.monotonic(), type(error)))

    slow: list[float] = []

    def wait_for_the_slow_answer() -> None:
        assert running.get(port, "/slow") == (200, b"ok")
        slow.append(time.monotonic())

    threads = [threading.Thread(target=come_until_refused) for _ in range(6)]
    threads.append(threading.Thread(target=wait_for_the_slow_answer))
    for each in threads:
        each.start()
    running.read_until("here")
    running.process.send_signal(signal.SIGTERM)
    for each in threads:
        each.join(20)
    running.wait()
    assert [kind for _, kind in ends] == [ConnectionRefusedError] * 6
    assert max(when for when, _ in ends) < slow[0]


def test_a_taken_port_is_named_with_its_successor(services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        services.write(f"PORT = {port}\n")
        running = services.start()
        other = running.port
        running.stop()
    assert other != port
    assert f"data=Port {port} from settings.py is in use; using port: {other}" in running.printed


def test_what_overrides_what(services) -> None:
    services.write("PORT = 1\nTHREADS = 2\nDEBUG = True\n", **DEMO)
    bootstrap = services.root / "bootstrap.py"
    text = bootstrap.read_text()
    bootstrap.write_text(f"import os\nos.environ['PIE_PORT'] = '2'\n{text}")
    port = services.free_port()
    running = services.start("--port", str(port), PIE_PROT="3")
    printed = running.read_until("Starting")
    running.stop()
    assert f"data=Using port: {port} from command line" in printed
    assert "data=PIE_PROT in the environment sets nothing; did you mean PIE_PORT?" in printed


def test_help_says_every_key_its_value_and_where_it_came_from(services) -> None:
    services.write("PORT = 7701\nCACHE = 'redis://:hush@127.0.0.1:1/0'\n")
    running = services.start("--help", "--threads=3", PIE_CLUSTER="canary")
    printed, errors = running.wait()
    assert (running.process.returncode, errors) == (0, "")
    assert re.search(r"--port NUMBER +7701 +\(from settings\.py; default 0\)", printed)
    assert re.search(r"--threads NUMBER +3 +\(from command line; default 0\)", printed)
    assert re.search(r"--cluster TEXT +canary +\(from environment; default default\)", printed)
    assert "hush" not in printed
    assert all(len(line) <= 80 for line in printed.splitlines() if not line.startswith("  --"))


def test_start_up_errors_are_on_the_terminal_and_in_the_log(services) -> None:
    services.write(views="import no_such_module\n")
    running = services.start()
    printed, errors = running.wait()
    assert running.process.returncode == 1
    assert (printed + errors).count("No module named 'no_such_module'") == 1
    assert errors.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{services.root}/views.py", line 1, in <module>',
        "    import no_such_module",
        "pie: views:app cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
    ]
    assert "No module named 'no_such_module'" in running.log("python")


def test_user_errors_are_one_sentence(services) -> None:
    services.write("PROT = 1\n")
    _, errors = services.start().wait()
    assert errors.startswith("pie: ")
    assert errors.endswith("settings.py: unknown setting PROT; did you mean PORT?\n")
    assert errors.count("\n") == 1
    _, errors = services.start("--prot=1").wait()
    assert errors == "pie: command line: unknown option --prot; did you mean --port?\n"
    _, errors = services.start("--log-root=/var/log/pie").wait()
    assert errors == (
        "pie: command line: --log-root is no option, as it belongs to the machine; write log_root "
        "into pie.toml, or set PIE_LOG_ROOT\n"
    )


def test_a_bootstrap_that_names_what_is_not_there(services) -> None:
    services.write(views="app = 'no application'\n")
    _, errors = services.start().wait()
    assert errors == (
        "pie: views:app is no Flask application but a str; name the application, or a function "
        "that makes and returns it\n"
    )
    services.write(views="")
    _, errors = services.start().wait()
    assert errors == f"pie: views:app: {services.root}/views.py has no 'app'\n"


def test_logging_that_the_application_configures_does_not_hide_its_lines(services) -> None:
    views = (
        "import logging.config\nfrom flask import Flask\napp = Flask(__name__)\n"
        "logging.config.dictConfig({'version': 1, 'handlers': {'console': {'class': "
        "'logging.StreamHandler'}}, 'root': {'handlers': ['console'], 'level': 'INFO'}})\n"
        "@app.get('/')\ndef hello():\n"
        "    logging.getLogger('mine').info('a line')\n    return 'ok'\n"
    )
    services.write("DEBUG = True\n", views=views)
    running = services.start()
    running.get(running.port)
    printed, errors = running.stop()
    assert (printed + errors).count("a line") == 1
    assert running.log("app").count("data=a line") == 1
    assert "data=stopping on SIGTERM" in printed


def test_a_script_keeps_its_command_line_and_its_output(services) -> None:
    services.write(
        script=(
            "import sys, logging, settings\nfrom pie import serve\nserve.script(settings)\n"
            "logging.getLogger('x').info('logged')\nprint(sys.argv[1:])\n"
            "from pie.call import get_runtime\nprint(get_runtime().conf)\n"
        )
    )
    running = services.start("--port", "what I like", program="script.py")
    printed, errors = running.wait()
    assert printed == f"['--port', 'what I like']\n{services.root}/conf\n"
    assert errors == ""
    assert "data=logged" in running.log("app")


def test_the_workspace_is_found_from_the_code(services) -> None:
    services.write()
    app = services.root / "app" / "my" / "api"
    app.mkdir(parents=True)
    for name in ("bootstrap.py", "settings.py", "views.py"):
        (services.root / name).rename(app / name)
    (services.root / "runtime").mkdir()
    (services.root / "runtime" / "workspace.yml").write_text("platform: http://127.0.0.1:10\n")
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("RUNTIME_ROOT", "PIE_PLATFORM", "PIE_LOG_ROOT")
    }
    with subprocess.Popen(
        [sys.executable, str(app / "bootstrap.py")],
        env=environment, cwd="/", text=True, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        for line in process.stdout:
            if "Running on" in line:
                break
        log = services.root / "toutiao/log/python/toutiao.my.api.log"
        services.until(
            lambda: log.exists() and "http://127.0.0.1:10" in log.read_text(), "its platform"
        )
        process.terminate()
        process.communicate(timeout=30)
