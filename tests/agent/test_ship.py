"""The way from a file to the platform, with real files and a real HTTP server."""

import json
import os
import threading
import time

import pytest

from pie.agent import Agent, AgentError, AgentOptions, read_status

NEVER = 1e12
POISON = "poison"


@pytest.fixture
def start(start):
    """No file is compressed, though the hour in its name is over."""
    return lambda **options: start(**{"compress_after_s": NEVER, **options})


def test_lines_arrive_once_and_in_order(road, platform, start, eventually):
    road.write("".join(road.line(f"m{n}") for n in range(500)))
    start()
    road.write("".join(road.line(f"m{n}") for n in range(500, 1000)))
    eventually(lambda: len(platform.all()) == 1000)
    assert platform.messages() == [f"m{n}" for n in range(1000)]
    row = platform.all()[0]
    assert (row["psm"], row["level"], row["line"]) == ("toutiao.my.api", "INFO", 87)
    assert (row["file"], row["folder"]) == ("/opt/my app/views.py", "app")
    assert row["pos"] == len(road.line("m0"))
    assert len({row["src"] for row in platform.all()}) == 1
    assert not platform.disorder


def test_facts_are_passed_on_unparsed(road, platform, start, eventually):
    name = "toutiao.my.api"
    road.write('{"ts":1.5,"side":"client","notes":["a{}"]}\n', folder="facts", name=f"{name}.calls")
    road.write('{"src":0,"pos":0,"ts":10,"count":3}\n{}\n', folder="facts", name=f"{name}.edges")
    road.write('{"ts":10}\n', folder="facts", name=f"{name}.unknown_kind")
    start()
    eventually(lambda: len(platform.all("calls")) == 1 and len(platform.all("edge_10s")) == 2)
    call = platform.all("calls")[0]
    assert (call["ts"], call["side"], call["notes"]) == (1.5, "client", ["a{}"])
    edges = platform.all("edge_10s")
    assert (edges[0]["count"], edges[0]["pos"]) == (3, 36)
    assert edges[0]["src"] == edges[1]["src"] != call["src"]
    assert not platform.all()


def test_bad_facts_are_counted_and_passed_over(road, platform, start, eventually):
    lines = b'{"ts":1}\nno json\n\n[1]\n' + os.urandom(500).replace(b"\n", b"") + b'\n{"ts":2}\n'
    road.write(lines, folder="facts", name="toutiao.my.api.calls")
    agent = start()
    eventually(lambda: len(platform.all("calls")) == 2)
    assert agent.status.tables["calls"].bad_lines == 3


def test_all_folders_and_odd_lines(road, platform, start, eventually):
    for folder in ("app", "rpc", "python", "run", "uwsgi"):
        road.write(f"plain 用户登录失败 from {folder}\r\n", folder=folder)
    road.write(b"\xff\xfe\x00 binary \xe7\x94\n", folder="app", name="toutiao.my.other")
    road.write(road.line("of another folder"), folder="elsewhere")
    target = road.write(road.line("through the file only"), folder="rpc", name="a.b.c")
    target.with_name("a.b.c.log").symlink_to(target)
    start()
    eventually(lambda: len(platform.all()) == 7)
    rows = {row["folder"]: row for row in platform.all() if row["message"].startswith("plain")}
    assert set(rows) == {"app", "rpc", "python", "run", "uwsgi"}
    run = rows["run"]
    assert run["message"] == "plain 用户登录失败 from run"
    assert (run["level"], run["psm"], run["host"]) == ("", "toutiao.my.api", "10.0.0.9")
    hour = 1795428000
    assert hour <= run["ts"] <= hour + 3600
    binary = next(row for row in platform.all() if row["psm"] == "toutiao.my.other")
    assert binary["message"] == "\ufffd\ufffd\x00 binary \ufffd"


def test_a_line_without_end_waits_for_it(road, platform, start, eventually):
    line = road.line("one") + road.line("two")
    road.write(line[:-10], hour=time.strftime("%Y%m%d%H", time.gmtime()))
    start()
    eventually(lambda: platform.messages() == ["one"])
    road.write(line[-10:], hour=time.strftime("%Y%m%d%H", time.gmtime()))
    eventually(lambda: platform.messages() == ["one", "two"])


def test_the_last_line_of_a_past_hour_does_not_wait_for_ever(road, platform, start, eventually):
    path = road.write(road.line("one") + "torn", hour="2020010100")
    os.utime(path, (1577840400, 1577840400))
    agent = start()
    eventually(lambda: platform.messages() == ["one", "torn"])
    eventually(agent.is_level)


def test_a_huge_line_goes_in_pieces(road, platform, start, eventually):
    huge = "".join(f"{n:07d}." for n in range(330_000))
    road.write(road.line("before") + huge + "\n" + road.line("after"), folder="run")
    agent = start()
    eventually(lambda: len(platform.all()) == 5)
    rows = platform.all()
    assert [row["fields"].get("cut") for row in rows] == [None, "head", "middle", "tail", None]
    assert "".join(row["message"] for row in rows[1:4]) == huge
    assert rows[-1]["message"] == "after"
    assert agent.status.tables["logs"].cut_lines == 3


def test_a_file_cut_short_is_read_again_from_its_beginning(road, platform, start, eventually):
    path = road.write(road.line("one") + road.line("two"))
    agent = start()
    eventually(lambda: len(platform.all()) == 2)
    os.truncate(path, 0)
    eventually(lambda: agent.status.bytes_behind == 0 and path.stat().st_size == 0)
    road.write(road.line("one"))
    eventually(lambda: platform.messages() == ["one", "two", "one"])
    assert len({row["src"] for row in platform.all()}) == 2
    eventually(agent.is_level)
    agent.stop()
    road.write(road.line("three"))
    start()
    eventually(lambda: platform.messages()[3:] == ["three"])
    assert platform.all()[3]["src"] == platform.all()[2]["src"]
    assert platform.duplicates == 0


@pytest.mark.parametrize(
    "failure", ["drop", "lost_answer", "short_answer", 503, 500, 429, 404, 401]
)
def test_what_fails_is_sent_again(road, platform, start, eventually, failure):
    left = [failure] * 3
    platform.behave = lambda table, rows: left.pop() if left else "ok"
    road.write("".join(road.line(f"m{n}") for n in range(20)))
    agent = start()
    eventually(lambda: agent.status.tables["logs"].shipped == 20)
    assert platform.messages() == [f"m{n}" for n in range(20)]
    assert not platform.disorder
    assert agent.status.platform == "up"


def test_an_answer_of_something_between_costs_no_row(road, platform, start, eventually):
    left = [b"<html>Welcome to the hotel</html>", b"{}"]
    platform.behave = lambda table, rows: left.pop() if left else "ok"
    road.write(road.line("one"))
    start()
    eventually(lambda: platform.messages() == ["one"])


def test_a_row_the_platform_cannot_take_is_left_out_alone(road, platform, start, eventually):
    def behave(table, rows):
        return 400 if any(row["message"] == POISON for row in rows) else "ok"

    platform.behave = behave
    wanted = [f"m{n}" for n in range(100)]
    road.write("".join(map(road.line, [*wanted[:37], POISON, *wanted[37:]])))
    agent = start()
    eventually(agent.is_level)
    assert platform.messages() == wanted
    assert agent.status.tables["logs"].rejected == 1
    assert not platform.disorder


def test_a_batch_too_large_is_halved(road, platform, start, eventually):
    platform.behave = lambda table, rows: 413 if len(rows) > 10 else "ok"
    road.write("".join(road.line(f"m{n}") for n in range(100)))
    start()
    eventually(lambda: platform.messages() == [f"m{n}" for n in range(100)])
    assert not platform.disorder


def test_rejected_rows_are_counted_and_reported(road, platform, start, eventually, caplog):
    platform.reject = lambda row: "ts is before 1970" if row["message"] == POISON else ""
    road.write("".join(map(road.line, ["a", POISON, "b"])))
    agent = start()
    eventually(agent.is_level)
    assert platform.messages() == ["a", "b"]
    logs = agent.status.tables["logs"]
    assert (logs.rejected, logs.shipped) == (1, 2)
    assert "ts is before 1970" in caplog.text


def test_a_wrong_token_is_reported_once_and_a_new_one_taken(
    road, platform, start, eventually, caplog
):
    token = ["old"]
    road.write(road.line("one"))
    agent = start(token=lambda: token[0])
    eventually(lambda: agent.status.tables["logs"].retries > 2)
    assert agent.status.platform == "refused"
    assert "service.token" in agent.status.platform_reason
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    token[0] = platform.token
    eventually(lambda: platform.messages() == ["one"])


def test_with_the_platform_away_it_falls_behind_and_catches_up(
    road, platform, start, eventually, caplog
):
    caplog.set_level("INFO")
    road.write(road.line("m0"))
    agent = start()
    eventually(lambda: len(platform.all()) == 1)
    platform.close()
    for n in range(1, 200):
        road.write(road.line(f"m{n}"))
    eventually(lambda: agent.status.platform == "away")
    behind = agent.status
    assert behind.bytes_behind > 0
    assert behind.seconds_behind > 0
    platform.open(platform.port)
    eventually(lambda: len(platform.all()) == 200)
    eventually(lambda: agent.status.platform == "up" and agent.is_level())
    assert platform.messages() == [f"m{n}" for n in range(200)]
    assert not platform.disorder
    assert [r.getMessage().count("is back after") for r in caplog.records].count(1) == 1


def test_one_table_that_hangs_does_not_hold_the_others(road, platform, start, eventually):
    platform.behave = lambda table, rows: "hang" if table == "calls" else "ok"
    road.write('{"ts":1}\n', folder="facts", name="toutiao.my.api.calls")
    start()
    eventually(lambda: platform.requests == 1)
    road.write(road.line("one"))
    eventually(lambda: platform.messages() == ["one"])
    platform.released.set()
    eventually(lambda: len(platform.all("calls")) == 1)


def test_a_loud_file_does_not_hold_a_quiet_one(road, platform, start, eventually):
    road.write("".join(road.line("x" * 400) for _ in range(30_000)), name="toutiao.loud.api")
    road.write(road.line("quiet"), name="toutiao.quiet.api")
    start(streams=1)
    eventually(lambda: "quiet" in platform.messages(), timeout=30)
    assert platform.messages().index("quiet") < 1_000


def test_a_connection_closed_while_idle_is_no_failure(road, platform, start, eventually):
    agent = start(streams=1)
    for n in range(3):
        road.write(road.line(f"m{n}"))
        eventually(lambda n=n: agent.status.tables["logs"].shipped == n + 1)
        platform.cut_connections()
    assert platform.connections >= 3
    assert agent.status.tables["logs"].retries == 0


def test_a_path_taken_by_another_file(road, platform, start, eventually):
    path = road.write(road.line("old and longer than what follows"))
    agent = start()
    eventually(agent.is_level)
    path.unlink()
    road.write(road.line("new"))
    eventually(lambda: platform.messages()[1:] == ["new"])
    agent.stop()
    path.unlink()
    road.write(road.line("newest, while nobody looked"))
    start()
    eventually(lambda: len(platform.all()) == 3)
    assert len({row["src"] for row in platform.all()}) == 3


def test_lines_without_a_host_have_this_ones_address(road, platform, start, eventually):
    road.write("plain\n")
    start(host="")
    eventually(lambda: [row["host"] for row in platform.all()] == ["127.0.0.1"])


def test_stopping_sends_the_last_lines(road, platform, start, eventually):
    road.write(road.line("one"))
    agent = start(scan_s=60, poll_s=0.01)
    eventually(lambda: platform.messages() == ["one"])
    road.write(road.line("last"), name="a.b.c")
    agent.stop()
    assert platform.messages() == ["one", "last"]


def test_stopping_ends_although_the_platform_hangs(road, platform, start, eventually):
    platform.behave = lambda table, rows: "hang"
    road.write(road.line("one"))
    agent = start(stop_s=0.1)
    eventually(lambda: platform.requests > 0)
    agent.stop()
    assert agent.error is None
    platform.released.set()


def test_a_second_agent_is_reported_who_is_first(tmp_path, start, eventually):
    first = start()
    eventually(lambda: read_status(tmp_path / ".pie-agent") is not None)
    second = start()
    eventually(lambda: second.error is not None)
    assert f"another agent (process {os.getpid()}) already ships {tmp_path}" in str(second.error)
    assert first.error is None
    first.stop()
    third = start()
    eventually(lambda: third.status.running)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8790", "ftp://h", "http://", "http://h:99999"])
def test_a_bad_address_is_explained(tmp_path, url):
    with pytest.raises(AgentError, match=r"http://127\.0\.0\.1:8790"):
        Agent(tmp_path, url, "t")


def test_a_missing_root_is_explained(tmp_path):
    with pytest.raises(AgentError, match="create it"):
        Agent(tmp_path / "none", "http://127.0.0.1:1", "t").run()


@pytest.mark.parametrize("bad", [{"zone": "Mars/Base"}, {"streams": 0}, {"keep_s": -1.0}])
def test_bad_options_are_explained(bad):
    with pytest.raises(ValueError, match=next(iter(bad)).rstrip("_s")):
        AgentOptions(**bad)


def test_the_status_file(road, tmp_path, platform, start, eventually):
    road.write(road.line("one"))
    agent = start(keeper_s=60)  # else it is compressed, and no file of the agent any more
    directory = tmp_path / ".pie-agent"
    eventually(lambda: (s := read_status(directory)) and s.tables["logs"].bytes > 0)
    status = json.loads((directory / "status.json").read_bytes())
    assert (status["platform"], status["files"], status["running"]) == ("up", 1, True)
    assert status["tables"]["logs"]["bytes"] == len(road.line("one"))
    assert directory.stat().st_mode & 0o777 == 0o700
    agent.stop()
    stopped = read_status(directory)
    assert stopped is not None
    assert not stopped.running


def test_several_products_and_a_link_to_one(road, tmp_path, platform, start, eventually):
    road.write(road.line("a"), product="toutiao")
    road.write(road.line("b"), product="other")
    (tmp_path / "alias").symlink_to(tmp_path / "toutiao")
    (tmp_path / "file").write_text("no product")
    agent = start()
    eventually(lambda: sorted(platform.messages()) == ["a", "b"])
    assert agent.status.files == 2


def test_a_file_somebody_else_deletes_unsent_is_reported(road, platform, start, eventually, caplog):
    platform.behave = lambda table, rows: 503
    path = road.write(road.line("first"))
    agent = start()
    eventually(lambda: agent.status.tables["logs"].retries > 0)
    road.write(road.line("second"))
    eventually(lambda: agent.status.bytes_behind == path.stat().st_size)
    path.unlink()
    eventually(lambda: agent.status.vanished_bytes == len(road.line("second")))
    assert "deleted with" in caplog.text


@pytest.mark.parametrize("harm", ["lost", "garbled", "torn"])
def test_a_harmed_journal_changes_no_src(road, tmp_path, platform, start, eventually, harm):
    for n in range(5):
        road.write(road.line(f"m{n}"), name=f"a.b.c{n}")
    agent = start()
    eventually(lambda: agent.is_level(5))
    agent.stop()
    before = {row["src"] for row in platform.all()}
    journal = tmp_path / ".pie-agent" / "journal"
    if harm == "lost":
        journal.unlink()
    elif harm == "garbled":
        journal.write_bytes(os.urandom(300) + journal.read_bytes()[150:] + b"\0" * 100)
    else:
        journal.write_bytes(journal.read_bytes()[:-20])
    for n in range(5):
        road.write(road.line("more"), name=f"a.b.c{n}")
    agent = start()
    eventually(lambda: len(platform.all()) == 10)
    assert {row["src"] for row in platform.all()} == before
    assert platform.duplicates == {"lost": 5}.get(harm, platform.duplicates)
    assert bool(agent.status.journal_damaged) == (harm != "lost")


def test_a_good_journal_sends_nothing_twice(road, platform, start, eventually):
    for n in range(5):
        road.write(road.line(f"m{n}"), name=f"a.b.c{n}")
    agent = start()
    eventually(lambda: agent.is_level(5))
    agent.stop()
    road.write(road.line("new"))
    start()
    eventually(lambda: len(platform.all()) == 6)
    assert platform.duplicates == 0


def test_the_hosts_files_are_its_own(road, platform, start, eventually):
    road.write(road.line("one"))
    for host in ("a", "b"):
        agent = start(host_id=host)
        eventually(agent.is_level)
        agent.stop()
        (road.root / ".pie-agent" / "journal").unlink()
    assert len({row["src"] for row in platform.all()}) == 2


def test_bodies_are_bounded(road, platform, start, eventually):
    sizes = []

    def behave(table, rows):
        sizes.append((len(rows), len(json.dumps(rows))))
        return "ok"

    platform.behave = behave
    road.write("x\n" * 25_000 + road.line("y" * 5000) * 2000, folder="run")
    start()
    eventually(lambda: len(platform.all()) == 27_000, timeout=30)
    assert max(rows for rows, _ in sizes) <= 10_000
    assert max(size for _, size in sizes) < 6_000_000


def test_writers_and_agent_at_once(road, platform, start, eventually):
    start()
    threads = [
        threading.Thread(target=lambda w=w: [road.write(road.line(f"{w}-{n}")) for n in range(500)])
        for w in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(platform.all()) == 2000)
    assert set(platform.messages()) == {f"{w}-{n}" for w in range(4) for n in range(500)}
    assert not platform.disorder
