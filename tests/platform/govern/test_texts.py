"""Rule sets as YAML: read, written, compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.govern import Key
from pie.platform.govern.check import check
from pie.platform.govern.diff import diff, summary
from pie.platform.govern.yaml_read import MAX_TEXT, YamlError, read_yaml
from pie.platform.govern.yaml_write import write_for_editor, write_yaml
from pie.state.rules.document import WrittenRule

RATE = Key("rate", "toutiao.article.article", "server")

BAD = {
    "": "the text holds nothing",
    "rules:\n\t- a": "line 2: this is not YAML.*indent with spaces",
    "rules:\n- a: 1\n  a: 2": "line 3: a stands in line 2 already",
    "rules:\n- scope: {caller: a, caller: b}": "line 2: caller stands in line 2 already",
    "a: &x 1\nrules: *x": "line 2: aliases",
    "qps: 3\nrules: []": "line 1: 'qps' does not belong here",
    "kind: rate": "`rules:` is missing",
    "rules: {a: b}": "line 1: `rules` is a list",
    "rules:\n - 3": "line 2: rule 1 has the form",
    "rules:\n- scope: [a]": "line 2: the scope of rule 1",
    "rules:\n- scope: {caller: {a: b}}": "line 2: a pattern is a name",
    "[": "line 2: this is not YAML|line 1: this is not YAML",
    "rules: []\n---\nrules: []": "line 2: a second document",
    "version: one\nrules: []": "line 1: version",
    "rules:\n- ? [a]\n  : b": "line 2: a name of rule 1 is no word",
    f"rules: {'[' * 40}": "line 1: nested too deeply",
    "#" * (MAX_TEXT + 1): "characters are more than",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:30]))
def test_what_is_no_rule_set_is_named_with_its_line(text):
    with pytest.raises(YamlError, match=BAD[text]):
        read_yaml(text)


def test_values_are_what_they_look_like_and_names_stay_texts():
    read = read_yaml(
        "kind: rate\nversion: 3\nrules:\n"
        "- scope: {method: 404, caller: [no, 2017-04-18], lane: 'on'}\n"
        "  qps: 1e3\n  burst: 0.5\n  per: service\n  dry_run: true\n  note: ~\n"
    )
    (rule,) = read.rules
    assert rule.scope == {"method": "404", "caller": ["no", "2017-04-18"], "lane": "on"}
    assert rule.body == {
        "qps": 1000.0, "burst": 0.5, "per": "service", "dry_run": True, "note": None,
    }  # fmt: skip
    assert (read.kind, read.psm, read.version) == ("rate", "", 3)
    assert read.lines[1, "scope", "caller"] == 4
    assert read.lines[1, "per"] == 7


def test_a_list_alone_and_a_body_apart_are_read_too():
    alone = read_yaml("- scope: {}\n  body: {qps: 3}\n- qps: 4\n").rules
    assert alone == [WrittenRule({}, {"qps": 3}), WrittenRule({}, {"qps": 4})]
    assert read_yaml("rules:\n").rules == []


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1
)
scalars = st.one_of(
    st.booleans(), st.none(), st.integers(-(10**15), 10**15), names,
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9),
)  # fmt: skip
values = st.one_of(scalars, st.lists(scalars, max_size=9), st.dictionaries(names, scalars))
written_rules = st.lists(
    st.builds(
        WrittenRule,
        st.dictionaries(names, st.one_of(names, st.lists(names, min_size=1)), max_size=4),
        st.dictionaries(names.filter(lambda n: n not in ("scope", "body")), values, max_size=4),
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(written_rules, st.integers(0, 99))
def test_what_is_written_is_read_back(rules, version):
    read = read_yaml(write_yaml(RATE, rules, version))
    assert read.rules == rules
    assert read.version == (version or None)
    assert read_yaml(write_for_editor(RATE, rules, version)).rules == rules


def test_the_editor_s_text_explains_every_field():
    text = write_for_editor(RATE, [], 0)
    for words in ("qps", "calls/s", "burst", "default 1000", "scope:", "prefix*", "no rules yet"):
        assert words in text


def test_values_with_units_and_every_mistake_with_its_rule_field_and_line():
    text = (
        "- scope: {caller: 'toutiao.feed.*, toutiao.my.api'}\n  qps: 90/s\n  burst: 200ms\n"
        "- scope: {metod: Get}\n  qps: -3\n  brst: 2\n"
        "- caller: a\n"
        "- scope: {caller: a b}\n  qps: ten\n"
    )
    read = read_yaml(text)
    found = check(RATE, read.rules[:1])
    assert not found.errors[1:]
    good = check(RATE, [WrittenRule({"caller": "a.b.c, d.e.f"}, {"qps": "90/s", "burst": "200ms"})])
    assert good.errors == []
    assert good.rules == [WrittenRule({"caller": ["a.b.c", "d.e.f"]}, {"qps": 90.0, "burst": 0.2})]
    errors = [
        (each.rule, each.field, each.line, each.message)
        for each in check(RATE, read.rules, 1, read.lines).errors
        if each.rule > 1
    ]
    assert errors[:3] == [
        (2, "scope.metod", 4, "no such field; did you mean method?"),
        (2, "qps", 5, errors[1][3]),
        (2, "brst", 6, "no such field; did you mean burst?"),
    ]
    assert "-3 is not a number from" in errors[1][3]
    assert errors[3][:3] == (3, "caller", 7)
    assert "it belongs into the scope" in errors[3][3]
    assert {each[:3] for each in errors[4:]} == {(4, "scope.caller", 8), (4, "qps", 9)}


def test_a_difference_by_rule_and_by_line():
    before = [WrittenRule({"caller": "a"}, {"qps": 120}), WrittenRule({}, {"qps": 5})]
    after = [
        WrittenRule({"caller": "a"}, {"qps": 90.0}),
        WrittenRule({"method": "G*"}, {"qps": 5, "burst": 2}),
    ]
    found = diff(RATE, before, after, (17, 18))
    assert summary(found) == (
        "caller=a: qps 120 calls/s → 90 calls/s; added method=G*; removed every call"
    )
    marked = [(each.sign, each.text) for each in found.lines]
    assert ("-", "  qps: 120  # calls/s") in marked
    assert ("+", "  qps: 90  # calls/s") in marked
    assert (" ", "- scope: {caller: a}") in marked
    assert diff(RATE, before, before).lines == []
    assert diff(RATE, before, before[::-1]).rules == []
