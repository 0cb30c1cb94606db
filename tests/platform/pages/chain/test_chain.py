"""From the rows of a logid to its chain, by examples."""

import random
import time

from pie.observe.facts.rows import CallRow
from pie.platform.pages.chain.build import build_chain

LOGID = "2017041721432901000304821652640c"
T0 = 1_492_465_410.0


def server(psm, span, parent="", start=0.0, ms=10.0, **more):
    return CallRow(
        ts=T0 + start / 1000, side="server", protocol=more.pop("protocol", "thrift"), psm=psm,
        callee=psm, span_id=span, parent_id=parent, duration_us=int(ms * 1000), logid=LOGID,
        method=more.pop("method", "Get"), **more,
    )  # fmt: skip


def client(psm, callee, span, parent="", start=0.0, ms=10.0, **more):
    return CallRow(
        ts=T0 + start / 1000, side="client", protocol="thrift", psm=psm, caller=psm, callee=callee,
        span_id=span, parent_id=parent, duration_us=int(ms * 1000), logid=LOGID,
        method=more.pop("method", "Get"), **more,
    )  # fmt: skip


def shape(chain):
    return [(node.no, node.parent_no, node.depth, node.psm) for node in chain.nodes]


def test_the_seeds_chain():
    """One service is both a node and a -1; a child outlasts the chain; one status is unknown."""
    chain = build_chain(
        LOGID,
        [
            server("nginx", "n", ms=563, protocol="http", method="POST", host="10.3.48.216"),
            server("toutiao.discuss.ttdiscuss", "d", "n", 0, 563, protocol="http", method="POST"),
            client("toutiao.discuss.ttdiscuss", "toutiao.device.device_info", "c1", "d", -1000, 1),
            client("toutiao.discuss.ttdiscuss", "toutiao.device.device_info", "c2", "d", -999, 1),
            server("toutiao.device.device_info", "i", "c2", -999, 0.048, outcome="unknown"),
            client("toutiao.discuss.ttdiscuss", "toutiao.article.article", "c3", "d", 2, 500),
            server("toutiao.article.article", "a", "c3", 2, 2228.19),
        ],
    )
    assert (chain.entry_ip, chain.total_ms) == ("10.3.48.216", 563)
    assert (chain.node_count, chain.call_count) == (4, 3)
    assert shape(chain) == [
        (0, None, 0, "nginx"),
        (1, 0, 1, "toutiao.discuss.ttdiscuss"),
        (2, 1, 2, "toutiao.device.device_info"),
        (3, 1, 2, "toutiao.article.article"),
    ]
    assert [node.kind for node in chain.nodes] == ["nginx", "api", "service", "service"]
    assert [node.status for node in chain.nodes] == ["OK", "OK", "UNKNOWN", "OK"]
    assert [(call.caller_no, call.callee_no) for call in chain.calls] == [(1, -1), (1, 2), (1, 3)]
    assert chain.nodes[2].flags == ["before_parent"]
    assert chain.nodes[3].duration_ms == 2228.19
    assert chain.nodes[3].flags == ["outlives_chain", "outlives_parent"]
    assert chain.calls[0].flags == ["callee_not_logged"]
    assert chain.calls[2].flags == ["callee_took_longer"]
    assert "outlives_chain" in chain.flags


def test_a_script_is_node_0():
    chain = build_chain(
        LOGID,
        [
            client("my.own.script", "a.b.c", "c1", start=0, ms=5, instance="h:1"),
            client("my.own.script", "a.b.d", "c2", start=10, ms=7, instance="h:1",
                   outcome="unavailable"),
            server("a.b.c", "s1", "c1", 1, 3),
        ],
    )  # fmt: skip
    script = chain.nodes[0]
    assert (script.kind, script.psm, script.status, script.duration_ms) == (
        "script", "my.own.script", "ERROR", 17,
    )  # fmt: skip
    assert shape(chain)[1] == (1, 0, 1, "a.b.c")
    assert [(call.caller_no, call.callee_no) for call in chain.calls] == [(0, 1), (0, -1)]
    assert chain.total_ms == 17


def test_a_call_tried_three_times():
    """Each attempt is a call; the logical call stands for its last attempt."""
    chain = build_chain(
        LOGID,
        [
            server("a.b.web", "w", ms=100, protocol="http"),
            client("a.b.web", "a.b.c", "logical", "w", 1, 60, attempts=3),
            client("a.b.web", "a.b.c", "t1", "logical", 1, 10, attempt=1, outcome="unavailable"),
            client("a.b.web", "a.b.c", "t2", "logical", 20, 10, attempt=2, outcome="deadline"),
            client("a.b.web", "a.b.c", "t3", "logical", 40, 20, attempt=3),
            server("a.b.c", "s2", "t2", 21, 30),
            server("a.b.c", "s3", "t3", 41, 15),
        ],
    )
    assert shape(chain) == [(0, None, 0, "a.b.web"), (1, 0, 1, "a.b.c"), (2, 0, 1, "a.b.c")]
    assert [(call.attempt, call.caller_no, call.callee_no) for call in chain.calls] == [
        (0, 0, 2), (1, 0, -1), (2, 0, 1), (3, 0, 2),
    ]  # fmt: skip
    assert chain.call_count == 1
    assert chain.calls[2].flags == ["callee_took_longer"]


def test_a_parent_nobody_logged():
    chain = build_chain(
        LOGID,
        [
            server("a.b.web", "w", ms=50, protocol="http"),
            server("a.b.lost", "x", "gone", 5, 10),
            client("a.b.dark", "a.b.c", "c", "dark", 7, 3),
            server("a.b.c", "s", "c", 8, 1),
        ],
    )
    assert [(node.psm, node.parent_no, node.flags) for node in chain.nodes] == [
        ("a.b.web", None, []),
        ("a.b.lost", None, ["orphan"]),
        ("a.b.c", None, ["orphan"]),
    ]
    assert (chain.calls[0].caller_no, chain.calls[0].callee_no) == (-1, 2)
    assert chain.calls[0].flags == ["caller_not_logged"]
    assert chain.total_ms == 50


def test_a_served_call_whose_client_row_is_missing_hangs_under_the_server():
    chain = build_chain(LOGID, [server("a.b.c", "s"), server("a.b.d", "t", "s", 1, 2)])
    assert shape(chain)[1] == (1, 0, 1, "a.b.d")
    assert chain.nodes[1].flags == ["call_not_logged"]


def test_only_calls_of_an_unlogged_caller():
    chain = build_chain(LOGID, [client("a.b.dark", "a.b.c", "c", "dark", 7, 3)])
    assert (chain.nodes, chain.total_ms, chain.calls[0].caller_no) == ([], 3, -1)


def test_circles_and_repeated_spans_end():
    chain = build_chain(
        LOGID,
        [
            server("a.b.a", "s1", "c2"),
            client("a.b.a", "a.b.b", "c1", "s1"),
            server("a.b.b", "s2", "c1", 1),
            client("a.b.b", "a.b.a", "c2", "s2", 1),
            server("a.b.self", "z", "z", 2),
            client("a.b.x", "a.b.y", "l1", "l2", 3),
            client("a.b.x", "a.b.y", "l2", "l1", 3),
            server("a.b.y", "y", "l1", 4),
            server("a.b.dup", "y", "l1", 5),
        ],
    )
    assert sorted(node.psm for node in chain.nodes) == [
        "a.b.a", "a.b.b", "a.b.dup", "a.b.self", "a.b.y",
    ]  # fmt: skip
    flags = {node.psm: node.flags for node in chain.nodes}
    assert "cycle" in flags["a.b.a"]
    assert "orphan" in flags["a.b.self"]
    assert {"duplicate_span", "served_again"} <= set(flags["a.b.dup"])
    assert len(chain.calls) == 4


def test_a_row_delivered_twice_is_one_call():
    rows = [server("a.b.c", "s", ms=5), client("a.b.c", "a.b.d", "c", "s", ms=2)]
    chain = build_chain(LOGID, rows + rows)
    assert (chain.node_count, len(chain.calls), chain.flags) == (
        1, 1, ["callee_not_logged", "repeated_rows"],
    )  # fmt: skip


def test_further_fields_of_a_record_are_shown_by_name():
    """Those that have no attribute of their own, and that are not empty."""
    chain = build_chain(
        LOGID,
        [
            server("a.b.web", "w", ms=100, version="7", gate="deadline", host="h", queued_us=5),
            client("a.b.web", "a.b.c", "c", "w", 1, 60, callee_cluster="blue", hedges=1),
            client("a.script.c", "a.b.c", "d", version="9"),
        ],
    )
    by_psm = {node.psm: node.fields for node in chain.nodes}
    assert by_psm["a.b.web"] == {"version": "7", "gate": "deadline", "queued_us": 5}
    assert by_psm["a.script.c"] == {}
    fields = {call.caller: call.fields for call in chain.calls}
    assert fields["a.b.web"] == {"callee_cluster": "blue", "hedges": 1}
    assert fields["a.script.c"] == {"version": "9"}


def test_statuses():
    outcomes = {"ok": "OK", "business": "OK", "": "UNKNOWN", "unknown": "UNKNOWN",
                "cancelled": "UNKNOWN", "deadline": "ERROR", "denied": "ERROR"}  # fmt: skip
    for outcome, status in outcomes.items():
        assert build_chain(LOGID, [server("a.b.c", "s", outcome=outcome)]).nodes[0].status == status


def test_an_early_orphan_does_not_become_the_entry():
    chain = build_chain(
        LOGID, [server("a.b.web", "w", start=5, ms=20), server("a.b.lost", "x", "gone", 0, 1)]
    )
    assert chain.nodes[0].psm == "a.b.web"
    assert (chain.start, chain.total_ms) == (T0 + 0.005, 20)
    assert chain.nodes[1].offset_ms == -5


def test_a_truncated_chain_says_so():
    assert build_chain(LOGID, [server("a.b.c", "s")], truncated=True).flags == ["truncated"]


def test_any_rows_whatever_give_a_consistent_tree():
    source = random.Random(7)
    for size in [1, 2, 3, 5, 8, 13] * 60:
        spans = [f"{n}" for n in range(max(2, size // 2))] + [""]
        rows = []
        for _ in range(size):
            make = source.choice([server, lambda psm, *rest: client(psm, "a.b.q", *rest)])
            row = make(source.choice("xyz"), source.choice(spans), source.choice(spans))
            row.ts += source.random()
            row.attempt = source.choice([0, 0, 1, 2])
            rows.append(row)
        chain = build_chain(LOGID, rows)
        assert [node.no for node in chain.nodes] == list(range(chain.node_count))
        for node in chain.nodes:
            if node.parent_no is None:
                assert node.depth == 0
            else:
                assert node.parent_no < node.no
                assert node.depth == chain.nodes[node.parent_no].depth + 1
        assert all(-1 <= call.callee_no < chain.node_count for call in chain.calls)
        served = [row for row in rows if row.side == "server"]
        assert chain.node_count >= len(served) or "repeated_rows" in chain.flags


def test_ten_thousand_nodes_deep_and_wide():
    rows = [server("a.b.c", "s0", protocol="http", ms=10_000)]
    for n in range(1, 10_001):
        parent = n - 1 if n <= 5000 else 0
        rows.append(client("a.b.c", "a.b.c", f"c{n}", f"s{parent}", n / 10))
        rows.append(server("a.b.c", f"s{n}", f"c{n}", n / 10))
    random.Random(1).shuffle(rows)
    chain = build_chain(LOGID, rows)
    assert (chain.node_count, chain.call_count) == (10_001, 10_000)
    assert max(node.depth for node in chain.nodes) == 5000


def test_rows_of_a_tracer_whose_two_sides_share_a_span():
    """Its parent is the span of the caller, whose own two rows share that."""
    rows = [
        server("a.b.web", "w", ms=100, protocol="http"),
        client("a.b.web", "a.b.mid", "m", "w", 1, 50),
        server("a.b.mid", "m", "w", 2, 48),
        client("a.b.mid", "a.b.deep", "d", "m", 3, 20),
        server("a.b.deep", "d", "m", 4, 18),
        client("a.b.mid", "a.b.deep", "e", "m", 30, 10),
        server("a.b.deep", "e", "m", 31, 8),
        server("a.b.alone", "f", "e", 32, 2),
    ]
    chain = build_chain(LOGID, rows)
    assert shape(chain) == [
        (0, None, 0, "a.b.web"),
        (1, 0, 1, "a.b.mid"),
        (2, 1, 2, "a.b.deep"),
        (3, 1, 2, "a.b.deep"),
        (4, 3, 3, "a.b.alone"),
    ]
    assert [(call.caller_no, call.callee_no) for call in chain.calls] == [(0, 1), (1, 2), (1, 3)]
    assert chain.flags == ["call_not_logged"]
    lost = build_chain(LOGID, [row for row in rows if row is not rows[2]])
    assert {node.psm: node.parent_no for node in lost.nodes}["a.b.deep"] is None
    assert {"orphan", "caller_not_logged", "callee_not_logged"} <= set(lost.flags)


def test_a_chain_with_two_entries_lasts_from_the_first_to_the_end_of_the_last():
    chain = build_chain(
        LOGID,
        [
            server("a.b.web", "w", start=0, ms=10, protocol="http"),
            server("a.b.web", "v", start=5000, ms=20, protocol="http"),
            client("a.my.script", "a.b.web", "c", start=5100, ms=5),
        ],
    )
    assert (chain.start, chain.total_ms) == (T0, 5105)
    assert [node.offset_ms for node in chain.nodes] == [5100, 0, 5000]
    assert "outlives_chain" not in chain.flags


def test_times_of_another_hosts_clock_are_shown_inside_the_callers_wait():
    chain = build_chain(
        LOGID,
        [
            server("a.b.web", "w", ms=100, host="h1"),
            client("a.b.web", "a.b.late", "c", "w", 10, 30, host="h1"),
            server("a.b.late", "l", "c", 2010, 20, host="h2"),
            client("a.b.late", "a.b.deep", "d", "l", 2012, 10, host="h2"),
            server("a.b.deep", "e", "d", 2013, 8, host="h2"),
            client("a.b.web", "a.b.right", "f", "w", 50, 10, host="h1"),
            server("a.b.right", "g", "f", 52, 5, host="h3"),
            client("a.b.web", "a.b.slow", "h", "w", 60, 10, host="h1"),
            server("a.b.slow", "i", "h", 61, 500, host="h2"),
        ],
    )
    at = {node.psm: (node.offset_ms, node.skew_ms) for node in chain.nodes}
    assert at == {
        "a.b.web": (0, 0),
        "a.b.late": (15, -1995),
        "a.b.deep": (18, -1995),
        "a.b.right": (52, 0),
        "a.b.slow": (61, 0),
    }
    by_callee = {call.callee: (call.offset_ms, call.skew_ms) for call in chain.calls}
    assert by_callee["a.b.deep"] == (17, -1995)
    assert {"a.b.late", "a.b.slow"} == {
        node.psm for node in chain.nodes if "outlives_parent" in node.flags
    }


def test_a_time_that_the_store_moved_is_marked(platform):
    logid = "00000000000000000000000000c1a3bd"
    moved = {
        "side": "server",
        "protocol": "http",
        "psm": "a.b.late",
        "span_id": "s",
        "logid": logid,
        "ts": 1000.0,
    }
    right = moved | {"psm": "a.b.right", "span_id": "t", "ts": time.time()}
    assert platform.accepted("calls", [moved, right])[0] == 2
    chain = platform.ask("GET", f"/api/chains/{logid}").json
    assert {node["psm"]: node["flags"] for node in chain["nodes"]} == {
        "a.b.late": ["clamped"],
        "a.b.right": [],
    }
    assert chain["flags"] == ["clamped"]
