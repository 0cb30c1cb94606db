"""How fast log lines go in, and how fast they are found, through a real platform and its API.

Lines are made from templates in the style of public log sets (HDFS, OpenStack, Apache), of Pie's
own access and RPC lines, and of Chinese business logs; spread evenly over the last ten days; sent
through the ingest in order of time. Then each question is asked from outside: first in forms that
were never asked before, then one of them again and again. CPU is that of both processes of the
platform: it says more where others use the machine too. Last, the store alone is asked the same, in
this process: the floor under what Pie takes.

    python benchmarks/log_search.py --rows 1000000
"""

import argparse
import contextlib
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from log_search_questions import Question, questions

encode_lines = msgspec.json.Encoder().encode_lines

DAY = 86_400.0
DAYS = 9.9
BATCH = 10_000
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


class RefusedError(Exception):
    """The platform gave no answer, for example because it took too long."""


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
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RefusedError(f"{method} {path}: {answer.status} {text[:500]!r}")
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
            text = encode_lines(batch)
            raw += len(text)
            sender = senders[number % SENDERS]
            pending.append(sender.submit(platform.ask, "POST", "/api/ingest/logs", text))
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


def measure(platform: Platform, asked: list[Question]) -> dict[str, tuple[float, float]]:
    """Print what each question takes; median and CPU in ms of asking it first, by name."""
    pids = platform.facts_pid(), platform.process.pid
    found = {}
    print(f"\n{'':36} {'asked first':>23}   {'asked again':>23}")
    print(f"{'question':36} {'median':>11} {'CPU':>11}   {'median':>11} {'CPU':>11} {'goal':>8}")
    for question in asked:
        url = f"/api/logs/{question.path}?"
        urls = [url + urlencode(form) for form in question.forms]
        platform.ask("GET", "/api/logs/completions?field=level")  # the connection and the engine
        try:
            first = _timed(platform, pids, urls)
            again = _timed(platform, pids, urls[-1:] * len(urls))
            answer = platform.ask("GET", urls[-1])
        except RefusedError as error:
            print(f"{question.name:36} {str(error)[:400]}")
            continue
        found[question.name] = first
        goal = f"{question.goal} ms" if question.goal else ""
        print(
            f"{question.name:36} {first[0]:8.1f} ms {first[1]:8.1f} ms   {again[0]:8.1f} ms "
            f"{again[1]:8.1f} ms {goal:>8}  {_size(answer)}"
        )
    return found


def _timed(platform: Platform, pids: tuple[int, int], urls: list[str]) -> tuple[float, float]:
    taken = []
    cpu = sum(map(cpu_seconds, pids))
    for url in urls:
        began = time.monotonic()
        platform.ask("GET", url)
        taken.append((time.monotonic() - began) * 1000)
    cpu = (sum(map(cpu_seconds, pids)) - cpu) * 1000 / len(urls)
    return statistics.median(taken), cpu


def measure_floor(
    directory: Path, asked: list[Question], taken: dict[str, tuple[float, float]]
) -> None:
    """Print what the store alone takes for the same, in this process, without caches of answers."""
    from pie.platform.facts.engine import open_chdb

    engine = open_chdb(directory / "platform" / "facts", memory=1 << 30, patience=10)
    print(f"\n{'the store alone, in process':36} {'median':>11} {'CPU':>11}   Pie takes (CPU)")
    for question in asked:
        if question.floor is None or question.name not in taken:
            continue
        walls, before = [], time.process_time()
        for form in question.forms:
            began = time.monotonic()
            engine.ask(f"{question.floor(form)} SETTINGS use_query_condition_cache = 0", {})
            walls.append((time.monotonic() - began) * 1000)
        cpu = (time.process_time() - before) * 1000 / len(walls)
        times = taken[question.name][1] / max(cpu, 0.1)
        print(f"{question.name:36} {statistics.median(walls):8.1f} ms {cpu:8.1f} ms   ×{times:.1f}")


def _size(answer: dict[str, Any]) -> str:
    if "lines" in answer:
        return f"{len(answer['lines'])} lines"
    if "groups" in answer:
        return f"{len(answer['groups'])} groups"
    return f"{answer['total']:,} lines" if "total" in answer else ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument(
        "--directory", type=Path, help="kept, and asked again without loading when it has rows"
    )
    given = options.parse_args()
    directory = given.directory or Path(tempfile.mkdtemp(prefix="pie-log-search-"))
    directory.mkdir(parents=True, exist_ok=True)
    times = directory / "times.json"
    loaded = times.is_file()
    platform = Platform(directory / "platform")
    try:
        if not loaded:
            now = time.time()
            load(platform, given.rows, now)
            about = {"rows": given.rows, "begin": now - DAYS * DAY, "end": now}
            times.write_text(json.dumps(about))
        about = json.loads(times.read_text())
        asked = questions(
            lambda path, form: platform.ask("GET", f"/api/logs/{path}?{urlencode(form)}"),
            about["begin"], about["end"], PSMS,
        )  # fmt: skip
        taken = measure(platform, asked)
        platform.stop()
        measure_floor(directory, asked, taken)
    finally:
        platform.stop()
        if given.directory is None:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
