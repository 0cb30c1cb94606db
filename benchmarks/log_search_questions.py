"""The questions of ``log_search.py``: each in many forms, with what the store alone takes for it.

A question that was asked before is answered from caches, above all that of conditions (which parts
of the store hold nothing for them). So each form of a question has words of its own: what it takes
to ask it first is measured with a new form every time, and what it takes again with one of them.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DAY = 86_400.0
FORMS = 9

Form = dict[str, Any]
Ask = Callable[[str, Form], Any]
"""Asks the platform: path below /api/logs, parameters."""


@dataclass(frozen=True)
class Question:
    """``goal`` is in ms at 30 M rows; ``floor`` is the SQL that a form comes down to."""

    name: str
    path: str
    forms: list[Form]
    goal: int | None = None
    floor: Callable[[Form], str] | None = None


def questions(ask: Ask, begin: float, end: float, psms: list[str]) -> list[Question]:
    """All questions, about rows from ``begin`` to ``end``, with words out of some of them."""
    r = random.Random(4)
    all_days = {"since": begin, "until": end}
    picked = _some_lines(ask, r, begin, end)
    numbers = [max(_digits(line["message"]), key=len) for line in picked]
    logids = [line["logid"] for line in picked if line["logid"]]
    common = ["block", "src", "terminating", "servers", "cache", "index", "shard", "size", "video"]
    chinese = ["登录", "文章", "视频", "推荐", "评论", "设备", "失败", "成功", "注册"]
    begun = ["packetres", "addstored", "lifecy", "terminat", "starte", "blockma", "instanc",
             "namesys", "receivin"]  # fmt: skip
    parts = ["erminati", "eceivin", "acketRes", "ddStored", "ifecycl", "ockMa", "nstanc", "ervers",
             "nameSys"]  # fmt: skip
    days = [{"since": end - (n + 1) * DAY, "until": end - n * DAY} for n in range(FORMS)]
    hours = [{"since": end - (n + 1) * 3600, "until": end - n * 3600} for n in range(FORMS)]
    lately = [{"since": begin + n * 60, "until": end} for n in range(FORMS)]

    def about(words: list[str], **more: Any) -> list[Form]:
        return [{"q": word} | all_days | more for word in words[:FORMS]]

    return [
        Question("rare word, 10 days", "search", about(numbers), 100,
                 lambda form: f"SELECT ts, message FROM logs WHERE {_words(form['q'])} "
                 "ORDER BY ts DESC LIMIT 200"),
        Question("count of a common word, 10 days", "count",
                 about([f"message:{word}" for word in common]), 30,
                 lambda form: "SELECT count() FROM logs WHERE "
                 f"hasAllTokens(message, ['{form['q'].partition(':')[2]}'])"),
        Question("logid", "search", [{"q": logid} for logid in logids[:FORMS]], 30,
                 lambda form: f"SELECT ts, message FROM logs WHERE logid = '{form['q']}'"),
        Question("newest lines of a service", "search",
                 [all_days | {"psm": psm} for psm in psms[:FORMS]], 50,
                 lambda form: f"SELECT ts, message FROM logs WHERE psm = '{form['psm']}' "
                 f"AND ts > toDateTime({end - 900:.0f}) ORDER BY ts DESC LIMIT 200"),
        Question("stacks of a day", "stacks", [day | {"tab": "stack"} for day in days], 100,
                 lambda form: "SELECT stack_hash, count(), max((ts, src, pos)) FROM logs WHERE "
                 f"{_within(form)} AND stack_hash != 0 GROUP BY stack_hash"),
        Question("Chinese word, count, 10 days", "count", about(chinese), None,
                 lambda form: "SELECT count() FROM logs WHERE "
                 f"hasPhrase(message, '{' '.join(form['q'])}')"),
        Question("Chinese word, newest 200", "search", about(chinese)),
        Question("word*, count, 10 days", "count", about([f"{each}*" for each in begun]), None,
                 lambda form: "SELECT count() FROM logs WHERE "
                 f"match(lower(message), '(^|[^0-9a-z]){form['q'][:-1]}')"),
        Question("a part of a word, count, 10 days", "count",
                 about([f'~"{each}"' for each in parts]), None,
                 lambda form: "SELECT count() FROM logs WHERE "
                 f"positionCaseInsensitive(message, '{form['q'][2:-1]}') > 0"),
        Question("a part of a word, one hour", "count",
                 [{"q": f'~"{part}"'} | hour for part, hour in zip(parts, hours, strict=True)]),
        Question("NOT word, count, 10 days", "count", about([f"-{each}" for each in common]), None,
                 lambda form: "SELECT count() FROM logs WHERE "
                 f"NOT hasAllTokens(message, ['{form['q'][1:]}'])"),
        Question("rare and common word", "search",
                 about([f"{a} {b}" for a, b in zip(common, numbers, strict=False)])),
        Question("phrase, 10 days, no hit", "search",
                 about([f'"{each} terminating zzz"' for each in common])),
        Question("newest lines of all", "search", lately),
        Question("histogram of an hour", "histogram", hours),
        Question("histogram of ten days", "histogram", lately, None,
                 lambda form: "SELECT intDiv(toUnixTimestamp(ts), 14400) AS b, level, count() "
                 f"FROM logs WHERE {_within(form)} GROUP BY b, level"),
        Question("facets of an hour", "facets", hours),
        Question("facets of ten days", "facets", lately),
        Question("errors of a service, 10 days", "search",
                 [all_days | {"q": "level>=error", "psm": psm} for psm in psms[:FORMS]]),
    ]  # fmt: skip


def _some_lines(ask: Ask, r: random.Random, begin: float, end: float) -> list[dict[str, Any]]:
    """Lines of many times, with a number in them that hardly another line has."""
    found: list[dict[str, Any]] = []
    while len(found) < 4 * FORMS:
        until = r.uniform(begin + 3600, end)
        lines = ask("search", {"since": until - 60, "until": until, "limit": 200})["lines"]
        fit = [line for line in lines if any(len(each) > 11 for each in _digits(line["message"]))]
        found += r.sample(fit, min(2, len(fit)))
    return found


def _digits(text: str) -> list[str]:
    return "".join(char if char.isdigit() else " " for char in text).split()


def _words(word: str) -> str:
    return f"(hasAllTokens(message, ['{word}']) OR hasAllTokens(stack, ['{word}']))"


def _within(form: Form) -> str:
    return f"ts >= toDateTime({form['since']:.0f}) AND ts < toDateTime({form['until']:.0f})"
