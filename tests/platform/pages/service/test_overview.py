"""One service's page, asked of the real store: exact counts, both accounts, every state."""

import time
import uuid
from itertools import count

import pytest

from pie.state import Instance, Interface, RemoteStore, RuntimeDescription, ServiceMeta, Setting
from pie.state.registry.instances import encode, meta_key

_numbers = count(1)
MS = 1000


@pytest.fixture
def psm():
    """A name of its own for every test, since all share one platform."""
    return f"page.test.svc{next(_numbers)}"


def bucket_of(duration_ms):
    from pie.observe.facts.rows import histogram_bucket

    return str(histogram_bucket(duration_ms * MS))


def edge(psm, n, *, ago=20, ms=2, **more):
    """``n`` calls received by ``psm``, each of ``ms`` milliseconds."""
    return {
        "ts": (int(time.time()) - ago) // 10 * 10, "side": "server", "protocol": "thrift",
        "psm": psm, "callee": psm, "method": "Get", "caller": "front.web.api", "instance": "i1",
        "count": n, "duration_us": n * ms * MS, "histogram": {bucket_of(ms): n},
    } | more  # fmt: skip


def made(psm, callee, n, **more):
    """``n`` calls that ``psm`` made."""
    return edge(psm, n, side="client", caller=psm, callee=callee) | more


def page(platform, psm, query="window=300"):
    reply = platform.ask("GET", f"/api/services/{psm}?{query}")
    assert reply.status == 200, reply.body
    return reply.json


def listed(platform, psm):
    services = platform.ask("GET", "/api/services?window=300").json["services"]
    return next(each for each in services if each["psm"] == psm)


def test_methods_callers_and_instances_are_counted_exactly(platform, psm, register):
    register(Instance(psm=psm, id="i1", host="10.0.0.1", port=80, protocol="thrift"))
    rows = [
        edge(psm, 60),
        edge(psm, 20, method="Set", caller="", ms=50),
        edge(psm, 3, outcome="not_found", code=404),
        edge(psm, 4, outcome="exhausted", code=429, instance="gone"),
        edge(psm, 5, outcome="deadline", code=504, ms=800),
        edge(psm, 7, outcome="business", code=1001, caller_cluster="blue"),
        edge(psm, 1, outcome="a kind of tomorrow"),
        edge(psm, 1000, ago=900),
    ]
    platform.accepted("edge_10s", rows)
    seen = page(platform, psm)
    total = seen["total"]
    assert (total["calls"], total["failures"], total["rejected"], total["business"]) == (
        100,
        6,
        7,
        7,
    )
    assert total["qps"] == pytest.approx(100 / seen["covered_s"], abs=0.001)
    assert 270 <= seen["covered_s"] <= 310
    assert total["avg_ms"] == pytest.approx((75 * 2 + 20 * 50 + 5 * 800) / 100)
    assert total["p50_ms"] == pytest.approx(2, rel=0.05)
    assert total["p99_ms"] == pytest.approx(800, rel=0.05)

    methods = {each["method"]: each for each in seen["methods"]}
    assert [each["method"] for each in seen["methods"]] == ["Get", "Set"]
    assert methods["Get"]["figures"]["calls"] == 80
    assert methods["Set"]["figures"] | {"qps": 0} == {
        "calls": 20, "failures": 0, "rejected": 0, "business": 0, "qps": 0, "avg_ms": 50.0,
        "p50_ms": pytest.approx(50, rel=0.05), "p99_ms": pytest.approx(50, rel=0.05),
    }  # fmt: skip
    assert sum(methods["Get"]["minutes"]) == 1080
    assert sum(methods["Get"]["failed_minutes"]) == 6
    assert len(methods["Get"]["minutes"]) == 60

    callers = {(each["psm"], each["cluster"]): each for each in seen["callers"]}
    assert callers["", ""]["share"] == 0.2
    assert callers["front.web.api", ""]["methods"] == ["Get"]
    assert callers["front.web.api", "blue"]["figures"]["business"] == 7
    (instance,) = seen["instances"]
    assert instance["figures"]["calls"] == 96
    assert seen["account"] == "server"
    assert seen["last_seen"] % 10 == 0

    in_list = listed(platform, psm)
    assert in_list["calls"] == 100
    assert (in_list["failure_rate"], in_list["rejected_rate"]) == (0.06, 0.07)
    assert in_list["business_rate"] == 0.07


def test_what_a_service_says_of_itself_is_shown(platform, psm, register):
    meta = ServiceMeta(
        psm=psm, framework="pie-thrift", framework_version="1.2", protocol="thrift",
        owners=("li", "wang"), idl='include "base.thrift"\nservice X {}',
        includes={"base.thrift": "struct Base {}"},
        interfaces=(
            Interface(method="Get", request="req: A", response="B", doc="Gets one."),
            Interface(method="Idle", request="", response=""),
        ),
    )  # fmt: skip
    instance = Instance(
        psm=psm, id="i1", cluster="blue", host="10.0.0.1", port=8080, protocol="thrift",
        transport="ttheader", pid=5, version="7", started=1.5, weight=50,
    )  # fmt: skip
    facts = RuntimeDescription(
        psm=psm, id="i1", cluster="blue", pid=5, workers=4, threads=8, debug="/run/debug.sock",
        python="3.11.2", pie="0.1", server="pie-thrift", command="bootstrap.py",
        settings=(Setting("PORT", "8080", "environment"), Setting("KEY", "***", "settings.py")),
        in_flight=6, lost=17,
    )  # fmt: skip
    silent = Instance(psm=psm, id="i2", host="10.0.0.2", port=80, protocol="thrift")
    register(meta, instance, facts, silent)
    platform.accepted("edge_10s", [edge(psm, 2), edge(psm, 1, method="Old")])

    seen = page(platform, psm)
    assert (seen["state"], seen["language"], seen["framework"]) == (
        "running",
        "python",
        "pie-thrift",
    )
    assert (seen["framework_version"], seen["protocol"]) == ("1.2", "thrift")
    assert (seen["owners"], seen["has_idl"]) == (["li", "wang"], True)
    methods = {each["method"]: each for each in seen["methods"]}
    assert [each["method"] for each in seen["methods"]] == ["Get", "Old", "Idle"]
    assert (methods["Get"]["request"], methods["Get"]["response"]) == ("req: A", "B")
    assert methods["Get"]["doc"] == "Gets one."
    assert methods["Idle"]["described"] and methods["Idle"]["figures"]["calls"] == 0
    assert not methods["Old"]["described"]

    first, second = seen["instances"]
    assert (first["cluster"], first["address"], first["workers"]) == ("blue", "10.0.0.1:8080", 4)
    assert (first["in_flight"], first["lost"]) == (6, 17)
    assert (first["threads"], first["debug"]) == (8, "/run/debug.sock")
    assert first["settings"][1] == {"key": "KEY", "value": "***", "source": "settings.py"}
    assert (second["id"], second["reported"], second["settings"]) == ("i2", False, [])
    assert [(each["name"], each["instances"]) for each in seen["clusters"]] == [
        ("blue", 1),
        ("default", 1),
    ]

    idl = platform.ask("GET", f"/api/services/{psm}/idl").json["files"]
    assert [each["path"] for each in idl] == ["(main)", "base.thrift"]
    assert idl[1]["text"] == "struct Base {}"


def test_the_routes_of_one_view_are_one_method(platform, psm, register):
    register(
        ServiceMeta(
            psm=psm, protocol="http",
            interfaces=(
                Interface(method="views.stream", route="/", verbs=("GET",)),
                Interface(method="views.stream", route="/stream", verbs=("GET", "POST")),
            ),
        )
    )  # fmt: skip
    (method,) = page(platform, psm)["methods"]
    assert method["routes"] == [
        {"route": "/", "verbs": ["GET"]},
        {"route": "/stream", "verbs": ["GET", "POST"]},
    ]


def test_a_cluster_narrows_everything(platform, psm, register):
    register(
        Instance(psm=psm, id="i1", cluster="blue", host="10.0.0.1", port=80, protocol="thrift"),
        Instance(psm=psm, id="i2", cluster="green", host="10.0.0.2", port=80, protocol="thrift"),
    )
    platform.accepted(
        "edge_10s",
        [
            edge(psm, 2, cluster="blue"),
            edge(psm, 9, cluster="green", instance="i2"),
            # Its callers count as well, and saw one more: its own account wins.
            made("front.web.api", psm, 12, callee_cluster="blue"),
            made(psm, "down.stream.one", 3, cluster="blue"),
            made(psm, "down.stream.one", 30, cluster="green"),
        ],
    )
    whole, blue = page(platform, psm), page(platform, psm, "window=300&cluster=blue")
    assert (whole["total"]["calls"], blue["total"]["calls"]) == (11, 2)
    assert [each["id"] for each in blue["instances"]] == ["i1"]
    assert [each["figures"]["calls"] for each in blue["callees"]] == [3]
    assert [(each["name"], each["calls"]) for each in blue["clusters"]] == [
        ("blue", 2),
        ("green", 9),
    ]
    nowhere = page(platform, psm, "window=300&cluster=red")
    assert (nowhere["total"]["calls"], nowhere["instances"], nowhere["account"]) == (
        0,
        [],
        "server",
    )


def test_who_keeps_no_account_is_counted_by_its_callers(platform, psm):
    caller = f"{psm}x"
    platform.accepted(
        "edge_10s",
        [
            made(caller, psm, 5, method="Ask", cluster="blue"),
            made(caller, psm, 2, method="Ask", outcome="unavailable", code=503),
        ],
    )
    seen = page(platform, psm)
    assert (seen["account"], seen["state"]) == ("callers", "never")
    assert (seen["total"]["calls"], seen["total"]["failures"]) == (7, 2)
    assert {(each["psm"], each["cluster"]) for each in seen["callers"]} == {
        (caller, "blue"),
        (caller, "default"),
    }
    (method,) = seen["methods"]
    assert (method["method"], sum(method["minutes"])) == ("Ask", 7)

    # The caller, a script say, was never called: its page tells whom it calls.
    other = page(platform, caller)
    assert (other["total"]["calls"], other["state"], other["last_seen"]) == (0, "never", 0)
    assert [(each["psm"], each["method"], each["state"]) for each in other["callees"]] == [
        (psm, "Ask", "never")
    ]
    assert other["callees"][0]["figures"]["failures"] == 2


def test_stopped_is_not_never(platform, psm, register):
    register(ServiceMeta(psm=psm, framework="flask"))
    assert page(platform, psm)["state"] == "stopped"
    in_list = listed(platform, psm)
    assert (in_list["state"], in_list["onboarded"]) == ("stopped", False)


def test_a_name_nobody_knows_is_not_found(platform):
    reply = platform.ask("GET", "/api/services/no.such.service")
    assert reply.status == 404
    assert "no.such.service" in reply.json["error"]["message"]


def test_a_series_adds_up(platform, psm):
    rows = [
        edge(psm, 4, ago=600),
        edge(psm, 2, ago=600, outcome="internal", code=500, ms=90),
        edge(psm, 3, ago=30, method="Set", outcome="not_found"),
    ]
    platform.accepted("edge_10s", rows)
    every = platform.ask("GET", f"/api/services/{psm}/series").json
    buckets = every["buckets"]
    assert (every["step_s"], len(buckets), every["account"]) == (20, 180, "server")
    assert sum(each["count"] or 0 for each in buckets) == 9
    assert sum(each["failures"] or 0 for each in buckets) == 2
    assert sum(each["rejected"] or 0 for each in buckets) == 3
    assert [each["ts"] - every["since"] for each in buckets] == list(range(0, 3600, 20))
    (busy,) = [each for each in buckets if each["count"] == 6]
    assert busy["avg_ms"] == pytest.approx((4 * 2 + 2 * 90) / 6, abs=0.001)
    assert busy["p99_ms"] == pytest.approx(90, rel=0.05)
    assert busy["ts"] <= rows[0]["ts"] < busy["ts"] + 20
    idle = next(each for each in buckets if not each["count"])
    assert idle["avg_ms"] is None

    last = buckets[-1]["ts"]
    assert last < every["until"] <= last + 20

    one = platform.ask("GET", f"/api/services/{psm}/series?method=Set&window=900").json
    assert (one["step_s"], len(one["buckets"])) == (10, 90)
    assert sum(each["count"] or 0 for each in one["buckets"]) == 3


@pytest.mark.parametrize("window", [60, 2400, 2401, 86_400, 864_000])
def test_a_series_is_bounded(platform, psm, window):
    series = platform.ask("GET", f"/api/services/{psm}/series?window={window}").json
    assert len(series["buckets"]) <= 240
    assert len(series["buckets"]) * series["step_s"] >= window


def named(letter):
    """A logid that begins with ``letter`` and that no other test uses."""
    return letter + uuid.uuid4().hex[1:]


def call(psm, logid, **more):
    return {
        "ts": time.time(), "side": "server", "protocol": "http", "psm": psm, "callee": psm,
        "method": "views.get", "verb": "GET", "route": "/x", "logid": logid, "span_id": "s",
        "parent_id": "p", "duration_us": 1500, "caller": "front.web.api",
    } | more  # fmt: skip


def test_served_calls_are_listed_newest_first_by_outcome(platform, psm):
    now = time.time()
    platform.accepted(
        "calls",
        [
            call(psm, named("a"), ts=now - 5),
            call(psm, named("b"), ts=now - 4, outcome="not_found", code=404, status=404),
            call(psm, named("c"), ts=now - 3, outcome="internal", code=500, message="KeyError: 1"),
            call(psm, named("d"), ts=now - 90_000, outcome="business", code=1001, cluster="blue"),
            call(psm, named("e"), ts=now - 2, side="client", callee="down.stream.one"),
            call("front.web.api", named("f"), ts=now - 1, side="client", callee=psm, method="GET"),
        ],
    )

    def ask(query=""):
        reply = platform.ask("GET", f"/api/services/{psm}/calls?{query}")
        assert reply.status == 200, reply.body
        return [each["logid"][0] for each in reply.json["calls"]]

    assert ask() == ["c", "b", "a", "d"]
    assert ask("limit=2") == ["c", "b"]
    assert ask("outcome=ok") == ["a"]
    assert ask("outcome=rejected") == ["b"]
    assert ask("outcome=business") == ["d"]
    assert ask("cluster=blue") == ["d"]
    first = platform.ask("GET", f"/api/services/{psm}/calls?outcome=failed").json["calls"][0]
    assert (first["message"], first["code"], first["duration_ms"]) == ("KeyError: 1", 500, 1.5)
    assert (first["caller"], first["method"], first["verb"]) == (
        "front.web.api",
        "views.get",
        "GET",
    )


def test_calls_of_who_records_none_are_its_callers_records(platform, psm):
    logid = named("9")
    platform.accepted(
        "calls", [call("front.web.api", logid, side="client", callee=psm, peer="10.0.0.7:80")]
    )
    seen = platform.ask("GET", f"/api/services/{psm}/calls").json
    assert seen["account"] == "callers"
    assert [(each["caller"], each["instance"]) for each in seen["calls"]] == [
        ("front.web.api", "10.0.0.7:80")
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/api/services/a.b.c?window=9",
        "/api/services/a.b.c?since=200&until=100",
        "/api/services/a.b.c?since=0&until=90000000",
        "/api/services/a.b.c?cluster=" + "x" * 201,
        "/api/services/" + "x" * 201,
        "/api/services/a.b.c/series?window=9",
        "/api/services/a.b.c/series?against=year",
        "/api/services/a.b.c/series?window=99999999",
        "/api/services/a.b.c/calls?limit=501",
        "/api/services/a.b.c/calls?outcome=bad",
    ],
)
def test_what_is_out_of_bounds_is_refused(platform, path):
    assert platform.ask("GET", path).status == 400


@pytest.mark.parametrize("rest", ["", "/series", "/calls", "/idl"])
def test_only_people_may_ask(platform, rest):
    assert platform.ask("GET", f"/api/services/a.b.c{rest}", role="service").status == 403
    assert platform.ask("GET", f"/api/services/a.b.c{rest}", role=None).status == 401


def test_names_from_the_wire_are_only_names(platform, psm):
    evil = "'; DROP TABLE edge_10s; -- {psm:String}"
    platform.accepted("edge_10s", [edge(psm, 1, method=evil, caller="<script>")])
    seen = page(platform, psm)
    assert seen["methods"][0]["method"] == evil
    assert seen["callers"][0]["psm"] == "<script>"


def test_many_names_are_bounded_and_reported(platform, psm):
    rows = [edge(psm, 1, method=f"m{n}", caller=f"c.a.l{n}") for n in range(400)]
    platform.accepted("edge_10s", rows)
    seen = page(platform, psm)
    assert (len(seen["methods"]), seen["more_methods"]) == (300, True)
    assert (len(seen["callers"]), seen["more_callers"]) == (200, True)
    assert seen["total"]["calls"] == 400


def test_the_registry_speaks_while_the_facts_are_away(own_platform):
    import os
    import signal

    store = RemoteStore(f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"))
    store.put(meta_key("a.b.c"), encode(ServiceMeta(psm="a.b.c", framework="flask")))
    store.close()
    os.kill(own_platform.child, signal.SIGSTOP)
    try:
        seen = page(own_platform, "a.b.c")
    finally:
        os.kill(own_platform.child, signal.SIGCONT)
    assert (seen["traffic_known"], seen["framework"], seen["state"]) == (False, "flask", "stopped")


def test_the_newest_bucket_is_in_the_series_at_once(platform, psm):
    """Also when it fills only a part of the last slot, and nothing follows it."""
    for ago in (20, 10):
        platform.accepted("edge_10s", [edge(psm, 1, ago=ago)])
        series = platform.ask("GET", f"/api/services/{psm}/series").json
        counted = sum(each["count"] or 0 for each in series["buckets"])
        assert counted == (1 if ago == 20 else 2)


def test_a_range_of_the_past_has_its_own_figures(platform, psm):
    now = int(time.time()) // 10 * 10
    began = now - 7_200
    platform.accepted(
        "edge_10s",
        [edge(psm, 7, ts=began), edge(psm, 5, ts=began + 300), edge(psm, 100)],
    )
    logid = named("a")
    platform.accepted("calls", [call(psm, logid, ts=began + 5.0)])
    query = f"since={began}&until={began + 300}"
    seen = page(platform, psm, query)
    assert (seen["total"]["calls"], seen["since"], seen["window_s"]) == (7, began, 300)
    assert seen["covered_s"] == 300
    assert page(platform, psm, f"since={began}&until={began + 310}")["total"]["calls"] == 12
    assert listed(platform, psm)["calls"] == 100
    series = platform.ask("GET", f"/api/services/{psm}/series?{query}").json
    assert (series["since"], series["step_s"], len(series["buckets"])) == (began, 10, 30)
    assert series["buckets"][0]["count"] == 7
    calls = platform.ask("GET", f"/api/services/{psm}/calls?{query}").json["calls"]
    assert [each["logid"] for each in calls] == [logid]
    later = f"since={began + 300}&until={began + 600}"
    assert platform.ask("GET", f"/api/services/{psm}/calls?{later}").json["calls"] == []


@pytest.mark.parametrize(("against", "back"), [("day", 86_400), ("week", 7 * 86_400)])
def test_a_series_stands_beside_the_same_time_before(platform, psm, against, back):
    at = int(time.time()) // 10 * 10 - 600
    platform.accepted("edge_10s", [edge(psm, 3, ts=at), edge(psm, 8, ts=at - back)])
    path = f"/api/services/{psm}/series?window=3600&against={against}"
    series = platform.ask("GET", path).json
    at = next(n for n, each in enumerate(series["buckets"]) if each["count"])
    assert (series["buckets"][at]["count"], series["past"][at]["count"]) == (3, 8)
    assert series["past"][at]["ts"] == series["buckets"][at]["ts"] - back
    assert len(series["past"]) == len(series["buckets"])


def test_where_nobody_reported_the_series_is_unknown(own_platform, psm):
    own_platform.accepted("edge_10s", [edge(psm, 3, ago=600), edge("page.test.other", 1, ago=60)])
    series = own_platform.ask("GET", f"/api/services/{psm}/series?window=900").json
    counts = [each["count"] for each in series["buckets"]]
    # 3 calls, then nobody says anything, then others do: that it had none is known then.
    assert [each for each in counts if each is not None] == [3, 0]
    assert series["buckets"][0]["p99_ms"] is None
