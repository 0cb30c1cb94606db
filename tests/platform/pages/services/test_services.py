"""The list of services and the entry calls, asked of the real store."""

import time
import uuid

import pytest

from pie.state import Instance, Interface, ServiceMeta


def listed(platform):
    services = platform.ask("GET", "/api/services?window=300").json["services"]
    return {each["psm"]: each for each in services}


def test_a_callee_that_logs_nothing_is_known_from_its_callers(platform):
    edge = {"ts": int(time.time()), "side": "client", "protocol": "thrift", "psm": "only.a.caller",
            "callee": "legacy.old.one", "method": "Get", "count": 3, "duration_us": 30}  # fmt: skip
    platform.accepted("edge_10s", [edge])
    services = {each["psm"]: each for each in platform.ask("GET", "/api/services").json["services"]}
    assert services["legacy.old.one"]["calls"] == 3
    assert "only.a.caller" not in services


def test_a_registered_service_is_listed_with_its_clusters(platform, register):
    psm = "reg.is.tered"
    register(
        ServiceMeta(psm=psm, framework="flask", owners=("li",), protocol="http"),
        Instance(psm=psm, cluster="blue", id="a", host="10.0.0.9", port=80, protocol="http", pid=5),
        Instance(psm=psm, cluster="green", id="b", host="10.0.0.8", port=80, protocol="http"),
    )
    service = listed(platform)[psm]
    assert (service["state"], service["onboarded"]) == ("running", True)
    assert (service["framework"], service["owners"]) == ("flask", ["li"])
    clusters = {each["name"]: each["instances"] for each in service["clusters"]}
    assert [each["address"] for each in clusters["blue"]] == ["10.0.0.9:80"]
    assert [each["address"] for each in clusters["green"]] == ["10.0.0.8:80"]
    assert service["qps"] == 0


def test_entry_calls_by_class_of_outcome(platform):
    psm = "entry.calls.here"
    first, second = ("1" + uuid.uuid4().hex[1:], "2" + uuid.uuid4().hex[1:])
    platform.accepted(
        "calls",
        [
            entry_call(psm, first, outcome="not_found", code=404),
            entry_call(psm, second, outcome="deadline", code=504),
        ],
    )

    def ask(outcome):
        chains = platform.ask("GET", f"/api/chains?psm={psm}&outcome={outcome}").json["chains"]
        return {each["logid"][0] for each in chains}

    assert ask("failed") == {"2"}
    assert ask("rejected") == {"1"}
    assert ask("") == {"1", "2"}


def entry_call(psm, logid, **more):
    """A call from outside the fleet: it has neither parent nor caller."""
    return {
        "ts": time.time(), "side": "server", "protocol": "http", "psm": psm, "callee": psm,
        "method": "views.get", "logid": logid, "span_id": "s", "parent_id": "", "caller": "",
        "duration_us": 1500,
    } | more  # fmt: skip


@pytest.mark.parametrize("query", ["window=9", "window=40000000", "window=abc", "since=9&until=8"])
def test_a_window_out_of_bounds_is_refused(platform, query):
    assert platform.ask("GET", f"/api/services?{query}").status == 400


def test_a_method_is_found_by_a_part_of_its_name(platform, register):
    described = Interface(method="GetFoundling")
    register(ServiceMeta(psm="entry.find.a", interfaces=(described, Interface(method="Other"))))
    platform.accepted(
        "edge_10s",
        [
            received("entry.find.b", 3, method="FoundlingCount"),
            received("entry.find.b", 9, side="client", callee="entry.find.c", method="afoundling"),
        ],
    )
    found = platform.ask("GET", "/api/fleet/methods?q=foundling").json
    assert [(each["psm"], each["method"]) for each in found["methods"]] == [
        ("entry.find.b", "FoundlingCount"),
        ("entry.find.c", "afoundling"),
        ("entry.find.a", "GetFoundling"),
    ]
    assert found["called_known"]
    assert platform.ask("GET", "/api/fleet/methods?q=f").status == 400


def test_only_people_may_ask(platform):
    for path in ("/api/services", "/api/chains", "/api/fleet/methods?q=ab"):
        assert platform.ask("GET", path, role="service").status == 403
        assert platform.ask("GET", path, role=None).status == 401


def received(psm, count, **more):
    return {
        "ts": int(time.time()) // 10 * 10 - 20, "side": "server", "protocol": "thrift",
        "psm": psm, "callee": psm, "method": "Get", "cluster": "default", "count": count,
    } | more  # fmt: skip


def test_one_cluster_of_the_fleet(platform):
    psm, unseen = "entry.cluster.one", "entry.cluster.two"
    platform.accepted(
        "edge_10s",
        [
            received(psm, 5),
            received(psm, 2, cluster="gray"),
            received(psm, 3, side="client", callee=unseen, callee_cluster="gray"),
        ],
    )

    def calls(cluster):
        path = f"/api/services?window=300&cluster={cluster}"
        services = platform.ask("GET", path).json["services"]
        return {each["psm"]: each["calls"] for each in services}

    assert (calls("")[psm], calls("")[unseen]) == (7, 3)
    assert (calls("gray")[psm], calls("gray")[unseen]) == (2, 3)
    assert (calls("default")[psm], calls("default")[unseen]) == (5, 0)


def test_the_calls_of_the_whole_fleet_over_time(own_platform):
    """Each once: by the account of who served it, by its caller's where nobody else counts."""
    own_platform.accepted(
        "edge_10s",
        [
            received("fleet.a.b", 5),
            received("fleet.a.web", 5, side="client", callee="fleet.a.b"),
            received("fleet.a.web", 3, side="client", callee="fleet.a.gone", outcome="unavailable"),
        ],
    )
    series = own_platform.ask("GET", "/api/fleet/series?window=300").json
    known = [each for each in series["buckets"] if each["count"] is not None]
    assert [(each["count"], each["failures"]) for each in known] == [(8, 3)]
    assert own_platform.ask("GET", "/api/fleet/series", role="service").status == 403
