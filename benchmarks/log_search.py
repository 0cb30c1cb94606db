"""How fast log lines go in, and how fast they are found, through a real platform and its API.

Lines are made from templates in the style of public log sets (HDFS, OpenStack, Apache), of Pie's
own access and RPC lines, and of Chinese business logs; spread evenly over the last ten days; sent
through the ingest in order of time. Then each question is asked again and again, from outside.
CPU is that of both processes of the platform: it says more where others use the machine too.

    python benchmarks/log_search.py --rows 1000000
"""

import argparse
import contextlib
import gzip
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DAY = 86_400.0
DAYS = 9.9
BATCH = 10_000
ROUNDS = 11
SENDERS = 2
RARE = "quetzalcoatl"

RUN = """
import sys
from pathlib import Path
from pie.platform.main import run_platform
run_platform(Path(sys.argv[1]), port=0, on_ready=lambda address, _: print(address, flush=True))
"""

STACK = """Traceback (most recent call last):
  File "/srv/{psm}/views.py", line {line}, in get
    article = client.GetArticle(GetArticleRequest(id=number))
  File "/srv/{psm}/pyrpc/article.py", line 212, in GetArticle
    return self._call("GetArticle", request)
{error}: {number} of {host} did not answer"""

R = random.Random(1)
HOSTS = [f"10.3.{n // 250}.{n % 250 + 1}" for n in range(40)]
PSMS = [
    f"{product}.{system}.{module}"
    for product in ("toutiao", "feed", "video")
    for system in ("article", "device", "stream", "discuss")
    for module in ("api", "server", "worker")
]
WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "item",
    "cache",
    "index",
    "shard",
    "replica",
    "user",
    "order",
    "page",
    "video",
    "feed",
]
CHINESE = [
    "用户登录失败",
    "文章发布成功",
    "视频转码完成",
    "推荐列表为空",
    "评论审核通过",
    "设备注册",
]


def big() -> int:
    return R.getrandbits(48)


def ip() -> str:
    return f"10.{R.randrange(256)}.{R.randrange(256)}.{R.randrange(256)}"


# Weight, level, folder, message.
TEMPLATES: list[tuple[int, str, str, Callable[[], str]]] = [
    (8, "INFO", "app", lambda: f"Receiving block blk_-{big()} src: /{ip()}:54106 dest: /{ip()}"),
    (8, "INFO", "app", lambda: f"PacketResponder {R.randrange(3)} for block {big()} terminating"),
    (6, "INFO", "app", lambda: f"BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip()}:50010 "
        f"is added to blk_{big()} size {R.randrange(1 << 26)}"),
    (6, "INFO", "python", lambda: f"[instance: {R.getrandbits(128):032x}] VM Started (Lifecycle)"),
    (6, "INFO", "python", lambda: f"[req-{R.getrandbits(128):032x} - - -] {ip()} "
        f'"GET /v2/{R.getrandbits(64):016x}/servers/detail HTTP/1.1" status: 200 '
        f"len: {R.randrange(9999)} time: 0.{R.randrange(10**7):07d}"),
    (4, "WARNING", "python", lambda: f"Unknown base file: /var/_base/{R.getrandbits(64):016x}"),
    (4, "ERROR", "uwsgi", lambda: f"[client {ip()}] Directory index forbidden by rule: /var/www/"),
    (4, "NOTICE", "uwsgi", lambda: "workerEnv.init() ok /etc/httpd/conf/workers2.properties"),
    (14, "INFO", "app", lambda: "GET /api/articles/{id} 200 ok code=0 "
        f"cost_us={R.randrange(90000)} caller={R.choice(PSMS)} peer={ip()}:{R.randrange(65536)}"),
    (14, "INFO", "rpc", lambda: f" retry=0 business_retry_cost={R.randrange(90)} "
        f"called={R.choice(PSMS)} method=GetItem rpc_status=success"),
    (2, "WARNING", "rpc", lambda: f" retry=1 business_retry_cost={R.randrange(900)} "
        f"called={R.choice(PSMS)} method=GetItem rpc_status=deadline"),
    (10, "INFO", "app", lambda: f"{R.choice(CHINESE)} id={big()} 来源={R.choice(WORDS)}"),
    (12, "DEBUG", "app", lambda: " ".join(R.choices(WORDS, k=8)) + f" took {R.randrange(999)} ms"),
    (1, "ERROR", "app", lambda: "the request failed"),
]  # fmt: skip
WEIGHTS = [template[0] for template in TEMPLATES]


def make_rows(count: int, begin: float, end: float) -> Iterator[list[dict[str, Any]]]:
    """Batches of rows in order of time; ``RARE`` stands in twenty of them."""
    rare = set(range(count // 40, count, max(1, count // 20)))
    step = (end - begin) / count
    batch: list[dict[str, Any]] = []
    for number, template in enumerate(R.choices(TEMPLATES, WEIGHTS, k=count)):
        _, level, folder, message = template
        ts = begin + number * step
        host, psm = R.choice(HOSTS), R.choice(PSMS)
        text = message()
        row: dict[str, Any] = {
            # A file always travels by the same sender, in order.
            "src": 1 + number // BATCH % SENDERS * 100 + number % 100, "pos": number + 1,
            "ts": round(ts, 6), "folder": folder,
            "host": host, "psm": psm, "cluster": "default", "level": level,
            "process": R.randrange(1 << 16), "thread": 140068553332480, "line": R.randrange(500),
            "file": f"/srv/{psm}/views.py",
            "message": f"{text} {RARE}" if number in rare else text,
        }  # fmt: skip
        if R.random() < 0.6:
            made = time.strftime("%Y%m%d%H%M%S", time.gmtime(ts))
            row["logid"] = f"{made}010003048216{number // 5 & 0xFFFFFF:06x}"
            row["span_id"] = f"{R.getrandbits(64):016x}"
        if folder == "rpc":
            row["fields"] = dict(pair.split("=", 1) for pair in text.split())
        if text == "the request failed":
            error = R.choice(["TimeoutError", "KeyError", "ConnectionError"])
            row["stack"] = STACK.format(
                psm=psm, line=R.randrange(20), error=error, number=R.randrange(999), host=host
            )
            row["stack_hash"] = hash((psm, error)) & 0x7FFFFFFFFFFFFFFF
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class Platform:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.token = (directory / "admin.token").read_text().strip()
        self._local = threading.local()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=120
            )
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Encoding"] = "gzip"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def facts_pid(self) -> int:
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def load(platform: Platform, rows: int, now: float) -> None:
    facts = platform.facts_pid()
    before = cpu_seconds(facts), cpu_seconds(platform.process.pid)
    accepted = raw = 0
    with contextlib.ExitStack() as held:
        senders = [held.enter_context(ThreadPoolExecutor(1)) for _ in range(SENDERS)]
        pending = []
        for number, batch in enumerate(make_rows(rows, now - DAYS * DAY, now)):
            text = b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in batch)
            raw += len(text)
            packed = gzip.compress(text, 1)
            sender = senders[number % SENDERS]
            pending.append(sender.submit(platform.ask, "POST", "/api/ingest/logs", packed))
            if len(pending) >= 2 * SENDERS:
                accepted += pending.pop(0).result()["accepted"]
        accepted += sum(each.result()["accepted"] for each in pending)
    assert accepted == rows, f"only {accepted} rows were taken"
    facts_cpu = cpu_seconds(facts) - before[0]
    parent_cpu = cpu_seconds(platform.process.pid) - before[1]
    time.sleep(5)  # let the store merge what it wants to merge at once
    disk = sum(each.stat().st_size for each in platform.directory.rglob("*") if each.is_file())
    print(f"{rows:,} rows of {raw / rows:.0f} bytes NDJSON")
    print(f"ingest: {rows / (facts_cpu + parent_cpu):,.0f} rows per second of CPU", end=" ")
    print(f"(facts {facts_cpu:.1f} s, parent {parent_cpu:.1f} s)")
    print(f"disk: {disk / rows:.0f} bytes per row; resident: {resident_mb(facts):.0f} MB")


def measure(platform: Platform, now: float) -> None:
    ten_days = {"since": now - DAYS * DAY, "until": now}
    one_day = {"since": now - DAY, "until": now}
    hour = {"since": now - 3600, "until": now}
    some = platform.ask("GET", f"/api/logs/search?{urllib.parse.urlencode(one_day)}")["lines"]
    logid = next(line["logid"] for line in some[::-1] if line["logid"])
    psm = PSMS[0]
    questions: list[tuple[str, str, dict[str, Any], int | None]] = [
        # name, path, parameters, goal in ms at 30 M rows
        ("rare word, 10 days", "search", {"q": RARE, **ten_days}, 100),
        ("count of a common word, 10 days", "histogram",
         {"q": "message:block", "buckets": 1, **ten_days}, 30),
        ("logid", "search", {"q": logid}, 30),
        ("newest lines of a service", "search", {"psm": psm, **ten_days}, 50),
        ("stacks of a day", "stacks", {"tab": "stack", **one_day}, 100),
        ("Chinese word, newest 200", "search", {"q": "登录", **ten_days}, None),
        ("phrase, 10 days, no hit", "search", {"q": '"block terminating"', **ten_days}, None),
        ("two words of which one is rare", "search", {"q": f"block {RARE}", **ten_days}, None),
        ("substring, one hour", "search", {"q": '~"erminati"', **hour}, None),
        ("newest lines of all", "search", {**ten_days}, None),
        ("histogram of an hour", "histogram", {**hour}, None),
        ("histogram of ten days", "histogram", {**ten_days}, None),
        ("facets of an hour", "facets", {**hour}, None),
        ("facets of ten days", "facets", {**ten_days}, None),
        ("errors of a service, 10 days", "search",
         {"q": "level>=error", "psm": psm, **ten_days}, None),
    ]  # fmt: skip
    pids = platform.facts_pid(), platform.process.pid
    print(f"\n{'question':36} {'median':>9} {'slowest':>9} {'CPU':>9} {'goal':>7}  answer")
    for name, path, params, goal in questions:
        url = f"/api/logs/{path}?{urllib.parse.urlencode(params)}"
        platform.ask("GET", url)
        taken = []
        cpu = sum(map(cpu_seconds, pids))
        for _ in range(ROUNDS):
            began = time.monotonic()
            answer = platform.ask("GET", url)
            taken.append((time.monotonic() - began) * 1000)
        cpu = (sum(map(cpu_seconds, pids)) - cpu) * 1000 / ROUNDS
        shown = f"{goal} ms" if goal else ""
        print(
            f"{name:36} {statistics.median(taken):6.1f} ms {max(taken):6.1f} ms {cpu:6.1f} ms "
            f"{shown:>7}  {_size(answer)}"
        )


def _size(answer: dict[str, Any]) -> str:
    if "lines" in answer:
        return f"{len(answer['lines'])} lines"
    if "groups" in answer:
        return f"{len(answer['groups'])} groups"
    return f"{answer['total']:,} lines" if "total" in answer else ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--directory", type=Path, help="kept; a temporary one by default")
    given = options.parse_args()
    directory = given.directory or Path(tempfile.mkdtemp(prefix="pie-log-search-"))
    platform = Platform(directory / "platform")
    try:
        now = time.time()
        load(platform, given.rows, now)
        measure(platform, now)
    finally:
        platform.stop()
        if given.directory is None:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
