"""The rules of a service over HTTP."""

import json
import time

import pytest

from pie.state import Instance, Interface, RemoteStore, ServiceMeta, instance_key
from pie.state.registry.instances import encode

NOW = int(time.time()) // 10 * 10
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(platform):
    """Asks the platform as an admin; the answer must have a status."""

    def ask(method, path, body=None, *, status=200, headers=None):
        text = None if body is None else json.dumps(body)
        reply = platform.ask(method, f"/api/rules{path}", text, headers=JSON | (headers or {}))
        assert reply.status == status, reply.body
        return reply.json

    return ask


def edge(psm, caller, method, count, ago, **more):
    return {
        "ts": NOW - ago, "side": "server", "protocol": "thrift", "psm": psm, "callee": psm,
        "instance": "i1", "caller": caller, "method": method, "count": count,
    } | more  # fmt: skip


def publish(api, psm, rules, seen=0, **more):
    return api(
        "PUT", f"/{psm}/server/rate", {"rules": rules, "seen": seen, "comment": "a test", **more}
    )


def rule(qps, **scope):
    return {"scope": scope, "body": {"qps": qps}}


def test_kinds_say_what_a_form_needs(api):
    kinds = {each["kind"]: each for each in api("GET", "/kinds")["kinds"]}
    qps = next(each for each in kinds["rate"]["fields"] if each["name"] == "qps")
    assert (qps["form"], qps["unit"], qps["most"]) == ("number", "calls/s", 1e6)
    assert kinds["rate"]["every"]
    assert kinds["rate"]["preview"] == "estimate"
    scope = {each["name"]: each["sides"] for each in api("GET", "/kinds")["scope"]}
    assert scope["callee"] == ["client"]
    assert "client" not in scope["caller"]


def test_a_check_has_errors_with_lines_warnings_a_diff_and_a_preview(platform, register, api):
    psm = "gov.check.one"
    register(
        ServiceMeta(psm=psm, interfaces=(Interface(method="Get"), Interface(method="List"))),
        Instance(psm=psm, id="i1", host="10.0.0.1", port=80, protocol="thrift"),
    )
    platform.accepted(
        "edge_10s",
        [edge(psm, "gov.feed.rank", "Get", 1500, 3600 * n) for n in range(1, 10)]
        + [edge(psm, "gov.feed.rank", "Get", 100, 3600 * n + 10) for n in range(1, 10)]
        + [edge(psm, "gov.feed.weekly", "Get", 990, 7 * 86_400)],
    )
    path = f"/{psm}/server/rate/check"
    bad = api("POST", path, {"yaml": "rules:\n- scope: {caler: x}\n  qps: -1\n"})
    assert [(each["rule"], each["field"], each["line"]) for each in bad["errors"]] == [
        (1, "scope.caler", 2), (1, "qps", 3),
    ]  # fmt: skip
    broken = api("POST", path, {"yaml": "rules:\n- a: 1\n  a: 2"})
    assert broken["errors"][0]["line"] == 3
    good = api("POST", path, {"rules": [rule("90/s", caller="gov.feed.*"), rule(5, method="Lst")]})
    assert good["errors"] == []
    assert good["rules"][0]["body"] == {"qps": 90}
    assert "- scope: {caller: gov.feed.*}" in good["yaml"]
    (warning,) = good["warnings"]
    assert (warning["rule"], warning["field"]) == (2, "scope.method")
    assert "did you mean List?" in warning["message"]
    assert [each["what"] for each in good["diff"]["rules"]] == ["added", "added"]
    preview = good["preview"]
    assert preview["kind"] == "estimate"
    # 1500 calls in ten seconds; 90 a second and a burst of one second admit 990.
    assert preview["hit"] == 9 * 510
    assert preview["calls"] == 9 * 1600 + 990
    first = preview["callers"][0]
    assert (first["caller"], first["hit"], first["highest"]) == ("gov.feed.rank", 9 * 510, 150)
    assert sum(n or 0 for n in preview["series"]["hit"]) == 9 * 510
    assert max(n or 0 for n in preview["series"]["highest"]) == 150


def test_what_is_wrong_has_a_name_for_other_languages(api, own_platform):
    path = "/gov.named.one/server/rate/check"
    bad = api("POST", path, {"rules": [{"scope": {}, "body": {"qps": -3, "qsp": 1}}]})["errors"]
    said = {each["field"]: (each["reason"], each["parts"]) for each in bad}
    assert said["qsp"] == ("unknown_field", said["qsp"][1]) and said["qsp"][1]["near"] == "qps"
    assert said["qps"][0] == "bad_value"
    assert (said["qps"][1]["value"], said["qps"][1]["unit"]) == ("-3", "calls/s")
    put = {"rules": [rule(5)], "seen": 0, "comment": " "}
    refused = api("PUT", "/gov.named.one/server/rate", put, status=400)["error"]
    assert (refused["reason"], refused["parts"]) == ("comment_needed", {"kind_of_rules": "rate"})
    freeze = json.dumps({"reason": "an incident"})
    own_platform.ask("POST", "/api/rules/freeze", freeze, headers=JSON)
    body = json.dumps(put | {"comment": "why"})
    reply = own_platform.ask("PUT", "/api/rules/gov.named.one/server/rate", body, headers=JSON)
    assert reply.json["error"]["reason"] == "frozen"
    assert reply.json["error"]["parts"] == {"by": "admin", "why": "an incident"}


def test_a_check_says_whether_publishing_goes_step_by_step(api, register):
    psm = "gov.step.one"

    def stepped(rules):
        return api("POST", f"/{psm}/server/rate/check", {"rules": rules})["stepped"]

    register(Instance(psm=psm, id="i1", host="10.0.0.1", port=80, protocol="thrift"))
    assert not stepped([rule(5)])  # Of one instance there is no part.
    register(Instance(psm=psm, id="i2", host="10.0.0.1", port=81, protocol="thrift"))
    assert stepped([rule(5)])
    assert not stepped([{"scope": {}, "body": {"qps": 5, "dry_run": True}}])
    assert not stepped([rule(-1)])


def test_the_second_of_two_editors_sees_what_the_first_one_changed(api):
    psm = "gov.two.editors"
    first = publish(api, psm, [rule(100), rule(10, method="Get")])
    assert (first["head"]["version"], first["head"]["author"]) == (1, "admin")
    publish(api, psm, [rule(80), rule(10, method="Get")], seen=1, comment="less")
    late = {"yaml": "rules:\n- qps: 120\n", "seen": 1, "comment": "more"}
    answer = api("PUT", f"/{psm}/server/rate", late, status=409)
    clash = answer["error"]["clash"]
    assert "published v2" in answer["error"]["message"]
    assert (clash["version"], clash["seen"], clash["comment"]) == (2, 1, "less")
    (theirs,) = clash["theirs"]["rules"]
    assert theirs["fields"][0]["before"] == "100 calls/s"
    assert theirs["fields"][0]["after"] == "80 calls/s"
    assert "version: 2" in clash["yaml"]
    check = api("POST", f"/{psm}/server/rate/check", {"rules": [rule(120)], "seen": 1})
    assert check["clash"]["version"] == 2
    done = api("PUT", f"/{psm}/server/rate", late | {"seen": 2})
    assert done["head"]["version"] == 3


def test_history_and_rollback(api):
    psm = "gov.roll.back"
    publish(api, psm, [rule(100)])
    publish(api, psm, [rule(50)], seen=1)
    body = {"to": 1, "seen": 2, "comment": "too low"}
    done = api("POST", f"/{psm}/server/rate/rollback", body)
    assert done["rules"] == [rule(100)]
    versions = api("GET", f"/{psm}/server/rate/history")["versions"]
    assert [each["version"] for each in versions] == [3, 2, 1]
    assert versions[1]["summary"] == "every call: qps 100 calls/s → 50 calls/s"
    assert versions[0]["comment"] == "back to v1: too low"
    assert versions[0]["state"] == "in_force"
    gone = api("POST", f"/{psm}/server/rate/rollback", body | {"to": 9, "seen": 3}, status=400)
    assert "there is no v9" in gone["error"]["message"]


def test_a_list_has_every_kind_and_the_fleet_what_is_published(api, register):
    psm = "gov.list.all"
    register(Instance(psm=psm, id="i1", host="10.0.0.1", port=80, protocol="thrift"))
    publish(api, psm, [rule(100, caller=["a.b.c", "d.e.f"])])
    found = api("GET", f"/{psm}")
    heads = {(each["side"], each["kind"]): each for each in found["sets"]}
    assert heads["client", "retry"]["version"] == 0
    rate = heads["server", "rate"]
    assert rate["summary"] == "caller=a.b.c|d.e.f: qps 100 calls/s"
    assert rate["in_force"]["instances"] == 1
    assert found["may_publish"]
    fleet = api("GET", "")
    assert any(each["psm"] == psm and each["kind"] == "rate" for each in fleet["sets"])
    detail = api("GET", f"/{psm}/-/rate")
    assert detail["head"]["side"] == "server"
    assert "Fields of a rule" in detail["editor"]


def test_an_explanation_names_the_rule_and_why_others_do_not_hold(api):
    psm = "gov.explain.one"
    publish(api, psm, [rule(9, caller="gov.feed.*"), rule(5, method="Get"), rule(1, method="List")])
    call = {"callee": psm, "method": "Get", "caller": "gov.feed.rank"}
    (step,) = api("POST", f"/{psm}/explain", call)["steps"]
    assert (step["kind"], step["version"], step["verdict"]) == ("rate", 1, "holds")
    assert "rule 2 (method=Get) and rule 1 (caller=gov.feed.*) hold" in step["text"]
    missed = next(each for each in step["rules"] if not each["holds"])
    assert (missed["number"], missed["why"]) == (3, "method is Get, not List")


def drain_one(platform, psm):
    """Drain a host and end that; the drain, as the list of drains has it meanwhile."""
    one = Instance(psm=psm, id="i1", host="10.0.0.9", port=80, protocol="thrift")
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=20)
    store.put(instance_key(one), encode(one))
    body = json.dumps({"target": "10.0.0.9", "reason": "it is ill"})
    assert platform.ask("POST", "/api/drain", body, headers=JSON).status == 200
    (found,) = platform.ask("GET", "/api/drain").json["drains"]
    assert platform.ask("DELETE", "/api/drain", body, headers=JSON).status == 200
    assert platform.ask("GET", "/api/drain").json["drains"] == []
    return found


def test_frozen_rules_stay_as_they_are(own_platform):
    def ask(method, path, body):
        return own_platform.ask(method, f"/api/rules{path}", json.dumps(body), headers=JSON)

    assert ask("POST", "/freeze", {"reason": " "}).status == 400
    frozen = ask("POST", "/freeze", {"reason": "an incident"}).json
    assert frozen["frozen"]["reason"] == "an incident"
    body = {"rules": [rule(5)], "seen": 0, "comment": "x"}
    refused = ask("PUT", "/gov.frozen.one/server/rate", body)
    assert refused.status == 423
    assert "an incident" in refused.json["error"]["message"]
    config = {"values": {"a": 1}, "seen": 0, "comment": "x"}
    put = own_platform.ask("PUT", "/api/config/gov.frozen.one", json.dumps(config), headers=JSON)
    assert put.status == 423
    assert "an incident" in put.json["error"]["message"]
    drained = drain_one(own_platform, "gov.frozen.one")
    assert drained["comment"] == "drain of 10.0.0.9 (while rules are frozen): it is ill"
    assert ask("DELETE", "/freeze", {"reason": "over"}).json == {"frozen": None}
    assert ask("PUT", "/gov.frozen.one/server/rate", body).status == 200


def test_what_cannot_be_is_refused_with_a_hint(api, platform):
    no = api("GET", "/gov.a.b/server/rat", status=400)
    assert "did you mean rate?" in no["error"]["message"]
    no = api("GET", "/gov.a.b/client/rate", status=400)
    assert "rules of kind rate are for server" in no["error"]["message"]
    both = api("POST", "/gov.a.b/-/rate/check", {"rules": [], "yaml": "rules: []"}, status=400)
    assert "one of the two" in both["error"]["message"]
    other = api("POST", "/gov.a.b/-/rate/check", {"yaml": "psm: x.y.z\nrules: []"}, status=400)
    assert "the text is for psm x.y.z" in other["error"]["message"]
    unseen = api("PUT", "/gov.a.b/-/rate", {"rules": []}, status=400)
    assert "which version" in unseen["error"]["message"]
    bad = api("PUT", "/gov.a.b/-/rate", {"rules": [rule(-1)], "seen": 0}, status=400)
    assert bad["error"]["problems"][0]["field"] == "qps"
    assert platform.ask("GET", "/api/rules/kinds", role="service").status == 403


def test_a_rule_set_that_is_spoilt_is_said_and_hides_no_other(api, platform):
    psm = "gov.spoilt.one"
    publish(api, psm, [rule(5)])
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=20)
    store.put(f"/pie/services/{psm}/rules/server/access", "{")
    sets = {each["kind"]: each for each in api("GET", f"/{psm}")["sets"]}
    assert sets["rate"]["version"] == 1
    assert "holds no rules that this Pie can read" in sets["access"]["unreadable"]
    fleet = {each["kind"]: each for each in api("GET", "")["sets"] if each["psm"] == psm}
    assert fleet["access"]["unreadable"] == sets["access"]["unreadable"]
    call = {"callee": psm, "method": "Get", "caller": "a.b.c"}
    steps = {each["kind"]: each for each in api("POST", f"/{psm}/explain", call)["steps"]}
    assert steps["rate"]["verdict"] == "holds"
    assert steps["access"]["text"] == sets["access"]["unreadable"]
