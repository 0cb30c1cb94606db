"""From files on the log road, through a real agent, to what a search finds."""

import threading
import time
import urllib.parse

import pytest

from pie.agent import Agent, AgentOptions

HOUR = time.strftime("%Y%m%d%H", time.gmtime())
LOGID = time.strftime("%Y%m%d%H%M%S", time.gmtime()) + "0100030482160100cc"
PIE = (
    "{level} {when} /srv/road/{file} 10.3.48.216 road.demo.api {logid} {span} "
    "process=84168 thread=140068553332480 data={data}\n"
)

# In the style of well-known public sets of logs, as a service would print them.
FOREIGN = """\
081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38865049064139660 terminating
081109 204655 556 INFO dfs.DataNode$PacketResponder: Received block blk_3587508140051953248 of size 67108864 from /10.251.42.84
[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6
[Sun Dec 04 05:15:09 2005] [error] [client 222.166.160.184] Directory index forbidden by rule: /var/www/html/
nova-api.log 2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b-2096-447d-96ea-a692162415ae] 10.11.10.1 "GET /v2/54fadb41/servers/detail HTTP/1.1" status: 200 len: 1893 time: 0.2477829
Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=218.188.2.4
17/06/09 20:10:40 INFO executor.CoarseGrainedExecutorBackend: Registered signal handlers for [TERM, HUP, INT]
- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 RAS KERNEL INFO instruction cache parity error corrected
用户登录失败：密码错误 uid=10086
"""  # noqa: E501
TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/road/handler.py", line 12, in GetItem
    return self.items[key]
           ~~~~~~~~~~^^^^^
KeyError: '文章 54005640083'
"""


def stamp(ago=0.0):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - ago)) + ",500"


@pytest.fixture(scope="module")
def road(platform, tmp_path_factory):
    root = tmp_path_factory.mktemp("road")

    def write(folder, text, name="road.demo.api"):
        path = root / "road" / "log" / folder / f"{name}.{HOUR}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)

    def line(data, level="INFO", file="views.py:7", logid="0", span="-"):
        return PIE.format(
            level=level, when=stamp(), file=file, logid=logid, span=span, data=data
        )  # fmt: skip

    write("app", line("文章 54005640083 发布成功", logid=LOGID, span="00000000000000aa"))
    write("app", line("canary 发布", level="WARNING"), name="road.demo.api@canary")
    write("app", line(r"it broke\n" + TRACEBACK.strip().replace("\n", r"\n"), level="ERROR"))
    write("rpc", line(" retry=0 called=toutiao.my.server method=GetItem rpc_status=success"))
    write("python", line("urllib3 pool is full", file="pool.py:3"))
    write("run", FOREIGN, name="road.demo.server")
    write("run", TRACEBACK + "and on it goes\n", name="road.demo.server@canary")
    write("uwsgi", "spawned uWSGI worker 1 (pid: 30, cores: 8)\n")
    agent = Agent(
        root, f"http://127.0.0.1:{platform.port}", platform.token("service"),
        AgentOptions(host="10.0.0.7", linger_s=0.05),
    )  # fmt: skip
    thread = threading.Thread(target=agent.run)
    thread.start()
    give_up = time.monotonic() + 60
    while len(found(platform, "")) < 17:
        assert time.monotonic() < give_up, found(platform, "")
        time.sleep(0.1)
    yield platform
    agent.stop()
    thread.join()


def search(platform, q, **params):
    query = urllib.parse.urlencode(
        {"q": f"psm:road.demo.* ({q})" if q else "psm:road.demo.*"} | params
    )
    reply = platform.ask("GET", f"/api/logs/search?{query}")
    assert reply.status == 200, reply.body
    return reply.json["lines"]


def found(platform, q, **params):
    return [line["message"] for line in search(platform, q, **params)]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("blk_38865049064139660", "PacketResponder 1"),
        ("10.251.42.84", "Received block"),
        ('"Directory index forbidden"', "222.166.160.184"),
        ("req-38101a0b-2096-447d-96ea-a692162415ae", "nova-api"),
        ("rhost=218.188.2.4", "authentication failure"),
        ("CoarseGrainedExecutorBackend", "signal handlers"),
        ('"cache parity" -memory', "RAS KERNEL"),
        ("登录", "用户登录失败"),
        ("密码错误 uid=10086", "用户登录失败"),
        ("发布成功", "54005640083"),
        ("folder:uwsgi worker", "spawned uWSGI"),
        ("called:toutiao.my.server", "GetItem"),
        ("folder:python", "urllib3"),
        ("cluster:canary 发布", "canary"),
    ],
)
def test_what_was_written_is_found(road, query, part):
    (message,) = found(road, query)
    assert part in message


def test_tracebacks_of_both_kinds_are_one_group_each(road):
    lines = search(road, "KeyError 54005640083", tab="stack")
    assert sorted(line["cluster"] for line in lines) == ["canary", "default"]
    assert {line["stack"] for line in lines} == {TRACEBACK[:-1]}
    assert {line["psm"] for line in lines} == {"road.demo.api", "road.demo.server"}
    query = urllib.parse.urlencode({"tab": "stack", "q": "psm:road.demo.*"})
    groups = road.ask("GET", f"/api/logs/stacks?{query}").json["groups"]
    assert [(group["error"], group["count"]) for group in groups] == [
        ("KeyError: '文章 54005640083'", 2)
    ]


def test_the_lines_of_a_chain_are_found_by_its_logid(road):
    (line,) = search(road, LOGID)
    assert (line["span_id"], line["file"], line["line"]) == (
        "00000000000000aa", "/srv/road/views.py", 7,
    )  # fmt: skip


def test_context_is_that_of_the_file(road):
    (line,) = search(road, "authentication failure")
    around = road.ask("GET", f"/api/logs/context?id={line['id']}&before=1&after=1").json["lines"]
    assert ["nova-api" in each["message"] for each in around] == [True, False, False]
    assert "CoarseGrained" in around[2]["message"]
