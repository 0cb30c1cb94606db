"""The log line of the seed, to the character."""

import json
import logging
import os
import sys
import threading
from pathlib import Path

import pytest

from pie.model import Call, current_call
from pie.observe import Identity, Observer
from pie.observe.log.line import LineFormat, escape, hour_of

SEED_LINE = (
    "INFO 2017-04-18 11:17:44,809 /data/site-packages/werkzeug/_internal.py:87 10.6.131.78 "
    "toutiao.my.api 0 - process=84168 thread=140068553332480 "
    "data= * Running on http://0.0.0.0:7701/ (Press CTRL+C to quit)\n"
)
SEED_TIME = 1492514264.809


def test_the_seeds_line_to_the_character() -> None:
    line = LineFormat("10.6.131.78", "toutiao.my.api").line(
        level="INFO",
        ts=SEED_TIME,
        location="/data/site-packages/werkzeug/_internal.py:87",
        message=" * Running on http://0.0.0.0:7701/ (Press CTRL+C to quit)",
        process=84168,
        thread=140068553332480,
    )
    assert line.decode() == SEED_LINE


def test_inside_a_call_the_line_names_chain_and_span() -> None:
    line = LineFormat("10.0.0.1", "a.b.c").line(
        level="INFO", ts=0, location="f.py:1", message="x", process=1, thread=2,
        logid="2" * 32, span_id="a" * 16,
    )  # fmt: skip
    assert f" a.b.c {'2' * 32} {'a' * 16} process=1" in line.decode()


@pytest.mark.parametrize("text", ["plain", "two\nlines", "back\\slash\\n", "\r\n", "登录失败\n"])
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert "\r" not in escaped
    backslash = "\0"
    undone = escaped.replace("\\\\", backslash).replace("\\n", "\n").replace("\\r", "\r")
    assert undone.replace(backslash, "\\") == text


def test_hour() -> None:
    assert hour_of(SEED_TIME) == "2017041811"


@pytest.fixture
def observer(tmp_path: Path):
    (tmp_path / "service").mkdir()
    made = Observer(
        Identity(psm="toutiao.my.api", host="10.6.131.78", instance="10.6.131.78:7701"),
        tmp_path / "logs",
        tmp_path / "service",
    )
    made.install()
    yield made
    made.close()
    logging.captureWarnings(False)
    sys.excepthook = sys.__excepthook__


def read(observer: Observer, tmp_path: Path, folder: str) -> str:
    """What stands in the file that the folder's link points to."""
    suffix = "ndjson" if folder.startswith("facts/") else "log"
    folder, _, part = folder.partition("/")
    stem = f"toutiao.my.api.{part}" if part else "toutiao.my.api"
    link = tmp_path / "logs" / "toutiao" / "log" / folder / f"{stem}.{suffix}"
    assert link.is_symlink()
    return link.read_text()


def test_plain_logging_goes_to_python(observer: Observer, tmp_path: Path) -> None:
    logging.getLogger("some.library").warning("hello %s", "world")
    line = read(observer, tmp_path, "python")
    assert line.startswith("WARNING 20")
    assert line.endswith("data=hello world\n")
    assert f" 10.6.131.78 toutiao.my.api 0 - process={os.getpid()} " in line


def test_a_record_of_the_services_own_file_goes_to_app(observer: Observer, tmp_path: Path) -> None:
    record = logging.LogRecord(
        "views", logging.INFO, str(tmp_path / "service" / "views.py"), 12, "own", None, None
    )
    logging.getLogger().handle(record)
    assert "views.py:12 " in read(observer, tmp_path, "app")


def test_a_traceback_stays_on_the_line(observer: Observer, tmp_path: Path) -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        logging.exception("it failed")
    (line,) = read(observer, tmp_path, "python").splitlines()
    assert "data=it failed\\nTraceback (most recent call last):\\n" in line
    assert line.endswith("ValueError: broken\\nin two")


def test_lines_of_a_call_carry_its_logid(observer: Observer, tmp_path: Path) -> None:
    call = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="3" * 32)
    call.span_id = "b" * 16
    token = current_call.set(call)
    try:
        logging.warning("inside")
    finally:
        current_call.reset(token)
    assert f" {'3' * 32} {'b' * 16} " in read(observer, tmp_path, "python")


def test_a_full_disk_never_reaches_business_code(tmp_path: Path, capfd) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    from pie.observe.log.files import HourlyFile
    from pie.observe.log.handler import LineSink

    file = HourlyFile(tmp_path, "a.b.c", "log")
    (tmp_path / f"a.b.c.{hour_of(SEED_TIME)}.log").symlink_to("/dev/full")
    sink = LineSink(file)
    sink.write(b"one\n", SEED_TIME)
    sink.write(b"two\n", SEED_TIME)
    assert sink.lost == 2
    assert capfd.readouterr().err.count("disk full") == 1


def test_lines_stay_whole_with_many_threads_and_hours(tmp_path: Path) -> None:
    from pie.observe.log.files import HourlyFile

    file = HourlyFile(tmp_path, "a.b.c", "log")

    def write(number: int) -> None:
        for count in range(500):
            line = json.dumps({"writer": number, "count": count, "pad": "x" * 200}) + "\n"
            assert file.append(line.encode(), SEED_TIME + 3600 * (count % 2)) == len(line)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    file.close()
    rows = []
    for hour in ("2017041811", "2017041812"):
        text = (tmp_path / f"a.b.c.{hour}.log").read_text()
        found = [json.loads(line) for line in text.splitlines()]
        assert len(found) == 1000
        rows += found
    assert len({(row["writer"], row["count"]) for row in rows}) == 2000
    assert (tmp_path / "a.b.c.log").readlink() == Path("a.b.c.2017041812.log")


def test_the_files_of_another_cluster_say_so(tmp_path: Path) -> None:
    for cluster, name in (("default", "a.b.c"), ("canary", "a.b.c@canary")):
        identity = Identity(psm="a.b.c", cluster=cluster)
        observer = Observer(identity, tmp_path, tmp_path / "service")
        observer.install()
        try:
            logging.getLogger("some.library").warning("hello")
        finally:
            observer.close()
        assert (tmp_path / "a" / "log" / "python" / f"{name}.log").is_symlink()
