"""``pie logs`` without the platform: this machine's own files."""

import json
import signal
import time
from pathlib import Path

import pytest

from pie.observe.log.line import LineFormat, hour_of

PSM = "toutiao.article.article"
LOGID = "2017041721432901000304821652640c"


class Road:
    """Writes the log road as services do."""

    def __init__(self, root: Path, psm: str = PSM) -> None:
        self.folder = root / psm.partition(".")[0] / "log"
        self.psm = psm
        self.format = LineFormat("10.3.23.162", psm)

    def write(self, message, *, folder="app", level="INFO", ts=None, logid="", raw=False) -> None:
        ts = time.time() if ts is None else ts
        path = self.folder / folder / f"{self.psm}.{hour_of(ts)}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        line = self.format.line(
            level=level, ts=ts, location="/srv/a.py:7", message=message, process=1, thread=2,
            logid=logid,
        )  # fmt: skip
        with path.open("ab") as file:
            file.write(message.encode() + b"\n" if raw else line)
        link = path.with_name(f"{self.psm}.log")
        link.unlink(missing_ok=True)
        link.symlink_to(path.name)


@pytest.fixture
def road(pie, tmp_path) -> Road:
    """A workspace whose platform is away."""
    pie.cwd = tmp_path
    pie.environ |= {"PIE_PLATFORM": "http://127.0.0.1:1", "PIE_TOKEN": "x" * 30}
    return Road(tmp_path)


def messages(done) -> list[str]:
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "logid",
    ["0217330000000000000000000000000000000FFFF0A0B0C0D1E2F3A", 'Trace-"7"/a\\b', "short"],
)
def test_a_chain_that_began_elsewhere_is_found_by_its_name(pie, road, logid) -> None:
    road.write("of the chain", ts=time.time() - 90_000, logid=logid)
    road.write("of another", logid=f"{logid}x")
    assert messages(pie("logs", "--json", "--logid", logid)) == ["of the chain"]


def test_the_files_are_read_and_it_says_so(pie, road) -> None:
    now = time.time()
    road.write("old", ts=now - 7200)
    road.write("文章 found", ts=now - 3, logid=LOGID)
    road.write("retry=0 called=a.b.c rpc_status=deadline", ts=now - 2, folder="rpc")
    road.write("boom\nTraceback (most recent call last):\nKeyError: 'x'", ts=now - 1, level="ERROR")
    road.write("printed, not logged", folder="run", raw=True)
    Road(pie.cwd, "toutiao.user.user_info").write("other", ts=now - 4)
    done = pie("logs", "article")
    assert done.returncode == 0
    assert "does not answer (Connection refused): reading the files of this machine" in done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines() if line[0] != " "] == [
        "found", "rpc_status=deadline", "boom", "logged",
    ]  # fmt: skip
    assert "    KeyError: 'x'" in done.stdout
    assert "old" not in done.stdout
    assert "other" in pie("logs").stdout
    assert messages(pie("logs", "--json", "--since", "3h", "-n", "99"))[0] == "old"
    assert messages(pie("logs", "--json", "-n", "2", PSM))[1] == "printed, not logged"
    assert messages(pie("logs", "--json", "--level", "error")) == ["boom"]
    assert messages(pie("logs", "--json", "--logid", LOGID)) == ["文章 found"]
    for query, count in (
        ("rpc_status:dead*", 1),
        ("called:a.b.c -rpc_status:deadline", 0),
        ("文章 OR boom", 2),
        ("BOO", 0),
        ('~"oo" stack:keyerror', 1),
        ("level>=error", 1),
        ("file:a.py:7 NOT folder:rpc", 3),
        (LOGID, 1),
    ):
        done = pie("logs", "--json", "-q", query)
        assert len(done.stdout.splitlines()) == count, query
    wrong = pie("logs", "-q", "(boom")
    assert wrong.returncode == 1
    assert "  (boom\n  ^" in wrong.stderr


def test_more_lines_than_a_block_from_the_end(pie, road) -> None:
    now = time.time()
    path = road.folder / "app" / f"{PSM}.{hour_of(now)}.log"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for number in range(5000):
            file.write(
                road.format.line(
                    level="INFO", ts=now - 10 + number * 1e-3, location="a.py:1",
                    message=f"{number} {'x' * (number % 97)}", process=1, thread=1,
                )
            )  # fmt: skip
        file.write(b"INFO unfinished")
    found = messages(pie("logs", "--json", "-n", "4000", "--local"))
    assert [int(each.split()[0]) for each in found] == list(range(1000, 5000))


def test_following_over_the_hour(pie, road) -> None:
    now = time.time()
    road.write("first", ts=now - 1)
    with pie.running("logs", "-f", "--json", PSM) as process:
        read = lambda: json.loads(process.stdout.readline())["message"]  # noqa: E731
        assert read() == "first"
        road.write("second", ts=now)
        assert read() == "second"
        road.write("third", ts=now + 3600)
        assert read() == "third"
        road.write("fourth", ts=now)
        assert read() == "fourth"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
        assert "reading the files of this machine" in process.stderr.read()
    assert process.returncode == 0


def test_nothing_here_either(pie, road) -> None:
    done = pie("logs")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "reading the files" not in done.stderr


def test_the_files_know_the_grammar_of_the_platform(pie, road) -> None:
    lines = [
        "x a_b y",
        "a b",
        "C++ and C",
        "say [x]",
        "x alone",
        "error -1 here",
        "uid:40883 there",
    ]
    for ago, message in enumerate(reversed(lines)):
        road.write(message, ts=time.time() - 5 - ago)
    for query, found in {
        "a_b": [0, 1],
        "C++": [2],
        '"[x]"': [0, 3, 4],
        '"-1"': [5],
        "uid:40883": [6],
        '~"a_"': [0],
    }.items():
        done = pie("logs", "--local", "--json", "-q", query)
        assert messages(done) == [lines[at] for at in found], query
    assert "uid:40883 was searched as text" in pie("logs", "--local", "-q", "uid:40883").stderr
    assert (
        """as a text: pie logs -q '~"init (x"'""" in pie("logs", "--local", "-q", "init (x").stderr
    )
    assert """as a text: pie logs -q '~"nowher"'""" in pie("logs", "--local", "-q", "nowher").stderr


def test_what_a_service_prints_is_its_own_and_steers_no_terminal(pie, road) -> None:
    forged = LineFormat("9.9.9.9", "toutiao.other.victim").line(
        level="CRITICAL", ts=time.time() - 2, location="/srv/x.py:1", message="forged \x9b2J",
        process=1, thread=2, logid="\x1b]0;title\x07",
    )  # fmt: skip
    road.write(f"first\n{forged.decode().rstrip()}", folder="run", raw=True)
    road.write("logged \x1b[2J\x1b]52;c;Y2xpcA==\x07 \x1b[31mred \u202eback", ts=time.time() - 1)
    for options in ([], ["--json"], ["--full"]):
        done = pie("logs", "--local", *options)
        assert "forged" in done.stdout
        assert not {*done.stdout, *done.stderr} & {*"\x1b\x07\x9b\u202e"}
    lines = [json.loads(line) for line in pie("logs", "--local", "--json").stdout.splitlines()]
    assert {line["psm"] for line in lines} == {PSM}
    (message,) = (line["message"] for line in lines if "forged" in line["message"])
    assert message.endswith("forged \x9b2J")
    wrong = pie("logs", "--local", "\x1b]0;title\x07")
    assert "title" in wrong.stderr
    assert "\x1b" not in wrong.stderr
