"""Previews, recomputed from the raw edges by other means."""

import json
import random
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from pie.govern import KINDS, Key, read_rules
from pie.govern.route.build import Asked, build
from pie.govern.route.members import Index
from pie.govern.route.plan import walk
from pie.state import Instance

NOW = int(time.time()) // 10 * 10
CALLERS = ("pre.feed.rank", "pre.feed.recall", "pre.my.api", "", "pre.old.job")
METHODS = ("Get", "GetMany", "List")
DAY = 86_400


def raw_edges(psm, seed, side="server"):
    """Some hundred edges of eight days, and some older ones that do not count."""
    chance = random.Random(seed)
    found = []
    for _ in range(400):
        caller = chance.choice(CALLERS)
        row = {
            "ts": NOW - 20 - chance.randrange(9 * DAY) // 10 * 10,
            "side": side, "protocol": "thrift", "callee": psm, "method": chance.choice(METHODS),
            "count": chance.randrange(1, 900), "instance": chance.choice(("i1", "i2")),
            "lane": chance.choice(("", "", "boe_x")),
            "outcome": chance.choice(("ok", "ok", "denied")),
            "gate": chance.choice(("", "", "access", "deadline")),
        }  # fmt: skip
        if side == "server":
            row |= {"psm": psm, "caller": caller, "callee_cluster": "default"}
        else:
            row |= {"psm": caller or "pre.my.api", "callee_cluster": chance.choice(("", "gray"))}
        found.append(row)
    return found


def counted(rows):
    """Those that a preview looks at."""
    since = (int(time.time()) // 10 * 10) - 8 * DAY
    return [row for row in rows if row["gate"] != "deadline" and row["ts"] >= since]


@pytest.fixture
def preview(platform):
    def ask(psm, side, kind, rules):
        reply = platform.ask(
            "POST", f"/api/rules/{psm}/{side}/{kind}/check",
            json.dumps({"rules": rules}), headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert reply.status == 200, reply.body
        assert reply.json["errors"] == []
        return reply.json["preview"]

    return ask


def rule(body, **scope):
    return {"scope": scope, "body": body}


def test_access(platform, preview):
    psm = "pre.access.one"
    rows = raw_edges(psm, 1)
    platform.accepted("edge_10s", rows)
    found = preview(
        psm, "server", "access",
        [
            rule({"effect": "deny"}, caller="pre.old.*"),
            rule({"effect": "allow"}, caller=["pre.my.api", "pre.feed.rank"], method="List"),
            rule({"effect": "deny", "dry_run": True}, lane="boe_x"),
        ],
    )  # fmt: skip
    hit, recorded, by_caller = 0, 0, Counter()
    for row in counted(rows):
        refused = row["caller"].startswith("pre.old.") or (
            row["method"] == "List" and row["caller"] not in ("pre.my.api", "pre.feed.rank")
        )
        hit += row["count"] * refused
        recorded += row["count"] * (not refused and row["lane"] == "boe_x")
        by_caller[row["caller"], row["method"]] += row["count"] * refused
    assert found["kind"] == "exact"
    assert (found["hit"], found["recorded"]) == (hit, recorded)
    assert found["calls"] == sum(row["count"] for row in counted(rows))
    assert {(each["caller"], each["method"]): each["hit"] for each in found["callers"]} == {
        (caller, method): by_caller[caller, method]
        for caller, method in {(row["caller"], row["method"]) for row in counted(rows)}
    }
    series = found["series"]
    late = series["since"]
    called = sum(n or 0 for n in series["called"])
    assert called == sum(r["count"] for r in counted(rows) if r["ts"] >= late)
    assert f"reject {hit:,} calls" in found["text"]


def test_degrade(platform, preview):
    psm = "pre.degrade.one"
    rows = raw_edges(psm, 2)
    platform.accepted("edge_10s", rows)
    rules = [rule({"percent": 25}, method="Get*"), rule({"percent": 100}, method="GetMany")]
    found = preview(psm, "server", "degrade", rules)
    shares = {"Get": 0.25, "GetMany": 1.0, "List": 0.0}
    assert found["hit"] == pytest.approx(
        sum(row["count"] * shares[row["method"]] for row in counted(rows))
    )


def test_route(platform, preview, register):
    """The shares that are shown are those that calls with random logids get."""
    psm = "pre.route.one"
    instances = [
        Instance(psm=psm, id=f"i{n}", host="10.0.0.1", port=80 + n, protocol="thrift",
                 cluster=cluster, tags=tags)
        for n, (cluster, tags) in enumerate(
            [("default", ()), ("default", ("stage=canary",)), ("gray", ()), ("gray", ())]
        )
    ]  # fmt: skip
    register(*instances)
    rows = raw_edges(psm, 3, "client")
    platform.accepted("edge_10s", rows)
    body = {"clusters": {"default": 70, "gray": 30}}
    found = preview(psm, "callers", "route", [rule(body, method="Get*")])
    asked_default = sum(
        row["count"]
        for row in counted(rows)
        if row["method"].startswith("Get") and row["callee_cluster"] == ""
    )
    assert found["hit"] == pytest.approx(0.3 * asked_default)
    ways = {each["way"]: each for each in found["targets"]}
    total = sum(row["count"] for row in counted(rows))
    gray = sum(row["count"] for row in counted(rows) if row["callee_cluster"] == "gray")
    assert ways["cluster gray"]["calls"] == pytest.approx(gray + 0.3 * asked_default)
    assert ways["cluster gray"]["before"] == pytest.approx(gray)
    assert sum(each["calls"] for each in found["targets"]) == pytest.approx(total)
    canary = preview(
        psm, "callers", "route", [rule({"canary": "stage=canary", "canary_percent": 10})]
    )
    draws = Counter()
    (ruling,) = _rulings(psm, {"canary": "stage=canary", "canary_percent": 10})
    plan = build(Index(instances), Asked(psm, "default", "", ""), ruling)
    chance = random.Random(4)
    for _ in range(2_000):
        call = SimpleNamespace(logid=f"{chance.getrandbits(128):032x}", persist={})
        draws[walk(plan, call, 0.0).kept[0].id] += 1
    assert draws["i1"] / 2_000 == pytest.approx(0.1, abs=0.03)
    default = sum(row["count"] for row in counted(rows) if row["callee_cluster"] == "")
    ways = {each["way"]: each["calls"] for each in canary["targets"]}
    assert ways["canary stage=canary"] == pytest.approx(0.1 * default)


def _rulings(psm, body):
    made = read_rules(Key("route", psm, "callers"), 1, [{"scope": {}, "body": body}], KINDS)
    return made.rules


def test_rate(platform, preview):
    psm = "pre.rate.one"
    rows = raw_edges(psm, 5)
    platform.accepted("edge_10s", rows)
    rules = [
        rule({"qps": 20, "burst": 2}, caller="pre.feed.*"),
        rule({"qps": 35, "burst": 1, "per": "service"}),
        rule({"qps": 1, "dry_run": True}, lane="boe_x", method="List"),
    ]
    found = preview(psm, "server", "rate", rules)

    def over(most, of, of_process):
        buckets = Counter()
        for row in counted(rows):
            if of(row):
                process = row["instance"] if of_process else ""
                buckets[row["caller"], row["method"], process, row["ts"]] += row["count"]
        lost = Counter()
        for (caller, method, _, _), n in buckets.items():
            lost[caller, method] += max(0, n - most)
        return lost

    feed = over(20 * 12, lambda row: row["caller"].startswith("pre.feed."), True)
    service = over(35 * 11, lambda row: True, False)
    recorded = over(11, lambda row: row["lane"] == "boe_x" and row["method"] == "List", True)
    pairs = {(row["caller"], row["method"]) for row in counted(rows)}
    assert found["kind"] == "estimate"
    assert {(each["caller"], each["method"]): each["hit"] for each in found["callers"]} == {
        pair: max(feed[pair], service[pair]) for pair in pairs
    }
    assert found["recorded"] == sum(recorded.values())
    assert "at least" in found["text"]


def test_what_is_not_predictable_says_so(preview):
    found = preview("pre.other.one", "client", "retry", [rule({"attempts": 2})])
    assert found["kind"] == "no"
    assert "dry_run" in found["text"]
    nothing = preview("pre.other.one", "server", "access", [rule({"effect": "deny"})])
    assert "no call of the last 8 days is known" in nothing["text"]
