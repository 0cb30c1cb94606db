# ruff: noqa: E501
"""Raw lines in the styles of many programs, made up: what people paste into a search."""

import random

from pie.observe.log.colour import without_colours

_WORDS = ["alpha", "beta", "cache", "shard", "Worker", "replica", "user_id", "order", "GC", "I/O"]


def lines(seed: int, count: int) -> list[str]:
    """So many lines, one style after the other."""
    r = random.Random(seed)
    return [_STYLES[number % len(_STYLES)](r) for number in range(count)]


def pieces(seed: int, text: str) -> list[str]:
    """The whole line, a piece of it between spaces, and one cut anywhere."""
    r = random.Random(f"{seed}{text}")
    shown = without_colours(text)  # who cuts a piece out does not see the escape sequences
    words = shown.split(" ")
    begin = r.randrange(len(words))
    between = " ".join(words[begin : begin + r.randint(1, 4)])
    at = r.randrange(len(shown))
    anywhere = shown[at : at + r.randint(3, 40)]
    return [each for each in (text, between, anywhere) if each.strip()]


def _ip(r: random.Random) -> str:
    return ".".join(str(r.randrange(1, 255)) for _ in range(4))


def _word(r: random.Random) -> str:
    return r.choice(_WORDS)


def _number(r: random.Random) -> int:
    return r.randrange(10**9)


_STYLES = [
    lambda r: (
        f"Jun {r.randint(1, 28)} 15:16:01 combo sshd(pam_unix)[{_number(r)}]: authentication "
        f"failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost={_ip(r)}  user=root"
    ),
    lambda r: (
        f"Jul 1 09:00:55 calvisitor kernel[0]: en0: BSSID changed to 5c:50:15:4c:18:{r.randint(10, 99)}"
    ),
    lambda r: (
        f"081109 203615 {r.randrange(999)} INFO dfs.DataNode$PacketResponder: PacketResponder "
        f"1 for block blk_-{_number(r)} terminating"
    ),
    lambda r: (
        f"081109 203807 222 INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap "
        f"updated: {_ip(r)}:50010 is added to blk_{_number(r)} size 67108864"
    ),
    lambda r: (
        f"17/06/09 20:10:40 INFO rdd.HadoopRDD: Input split: hdfs://{_ip(r)}:9000/pjhe/logs/"
        f"2kSOSP.log:{_number(r)}+7292"
    ),
    lambda r: (
        "17/06/09 20:10:41 INFO executor.CoarseGrainedExecutorBackend: Registered signal "
        f"handlers for [TERM, HUP, INT] uid:{_number(r)}"
    ),
    lambda r: (
        f'{_ip(r)} - - [10/Oct/2026:13:55:36 +0700] "GET /a/{_word(r)}?b=c&d={_number(r)} '
        f'HTTP/1.1" 200 2326 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"'
    ),
    lambda r: (
        f"2026/10/10 13:55:36 [error] {r.randrange(999)}#0: *{_number(r)} connect() failed "
        f'(111: Connection refused) while connecting to upstream, client: {_ip(r)}, host: "localhost:8080"'
    ),
    lambda r: f"[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/{_number(r)}",
    lambda r: (
        f"2026-10-10 13:55:36.123 ERROR [main] c.e.Foo${_word(r)}:42 - java.lang.IllegalState"
        f"Exception: state={_word(r)}, id={_number(r)} at com.example.Foo.lambda$0(Foo.java:{r.randrange(99)})"
    ),
    lambda r: (
        f"ERROR:root:{_word(r)} failed: KeyError('{_word(r)}') in views.py:{r.randrange(999)}, "
        f"b'{_word(r)}{_number(r)}' != u'{_word(r)}'"
    ),
    lambda r: (
        f"terminate called after std::out_of_range what(): std::map<int, T>::at #{_number(r)}"
    ),
    lambda r: (
        f"chrome.exe - d.dropbox.com:443 open through proxy p.cse.cuhk.edu.hk:5070 {_number(r)}"
    ),
    lambda r: (
        f"listening on [fe80::1%eth0]:{r.randrange(9999)} and ::1, a:b:c, - -] -> -x{_number(r)}"
    ),
    lambda r: (
        f'{{"level":"info","msg":"{_word(r)} done","id":{_number(r)},"ok":true,"tags":["a","-b"]}}'
    ),
    lambda r: (
        f"\x1b[32mDEBUG\x1b[0;39m \x1b[36mo.s.w.{_word(r)}\x1b[0;39m : Mapped {_number(r)} NOT found"
    ),
    lambda r: (
        f"C:\\Windows\\System32\\{_word(r)}.dll: level: 5, process: svchost OR {_number(r)}*x"
    ),
    lambda r: f"用户{_number(r)}登录失败：密码错误（第{r.randrange(9)}次），来源={_ip(r)}",
    lambda r: f"Ошибка №{_number(r)}: Сервер «{_word(r)}» не отвечает; CAFÉ d'été",
    lambda r: f"SELECT * FROM t WHERE a>={_number(r)} AND b<5 AND c LIKE '%x%' -- {_word(r)}*",
]
