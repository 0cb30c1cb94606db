"""``pie rules`` and ``pie drain``, as people use them."""

import json
import re
import stat
import sys
from pathlib import Path

import pytest

from pie.tool.rules.view import spark

PSM = "toutiao.article.article"


@pytest.fixture
def editor(tmp_path, pie):
    """Makes $EDITOR do what a Python expression over ``text`` says."""

    def become(expression: str) -> None:
        script = tmp_path / "editor"
        script.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n"
            f"text = file.read_text()\nfile.write_text({expression})\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        pie.environ |= {"EDITOR": str(script), "VISUAL": str(script), "TMPDIR": str(tmp_path)}

    yield become
    for name in ("EDITOR", "VISUAL", "TMPDIR"):
        pie.environ.pop(name, None)


def done(pie, *words: str, code: int = 0, stdin: str = ""):
    found = pie(*words, stdin=stdin)
    assert found.returncode == code, found.stdout + found.stderr
    return found


def test_a_rule_from_the_first_word_to_its_history(pie, tmp_path):
    psm = "cli.rules.one"
    assert "no rules are published" in done(pie, "rules", "get", psm).stdout
    set_ = ("rules", "set", psm, "rate")
    first = done(pie, *set_, "caller=cli.feed.*", "qps=90/s", "burst=200ms", "-m", "a start")
    assert "+   qps: 90  # calls/s" in first.stdout
    assert f"published v1 of rate (server) of {psm}" in first.stdout
    more = done(pie, *set_, "caller=cli.feed.*", "qps=80", "-m", "less")
    assert "-   qps: 90" in more.stdout
    assert "    burst: 0.2" in more.stdout
    done(pie, *set_, "qps=900", "per=service", "-m", "all")
    text = done(pie, "rules", "get", psm, "rate").stdout
    assert "version: 3" in text
    assert text.count("- scope:") == 2
    file = tmp_path / "rate.yaml"
    file.write_text(text.replace("qps: 900", "qps: 700"))
    assert "+   qps: 700" in done(pie, "rules", "diff", psm, "rate", str(file)).stdout
    done(pie, *set_, str(file), "-m", "from a file")
    file.write_text(text.replace("qps: 900", "qps: 600"))
    stale = done(pie, *set_, str(file), "-m", "again", code=1)
    assert "published v4" in stale.stderr
    assert "set `version:` in the file" in stale.stderr
    done(pie, *set_, "caller=cli.feed.*", "--remove", "-m", "gone")
    listed = done(pie, "rules", "history", psm, "rate").stdout
    assert "removed caller=cli.feed.*" in listed
    assert "“from a file”" in listed
    back = done(pie, "rules", "rollback", psm, "rate", "v1", "-m", "as it was")
    assert "published v6" in back.stdout
    assert "v1" in done(pie, "rules", "diff", psm, "rate", "v1").stdout
    table = done(pie, "rules").stdout
    assert re.search(rf"{psm} +server +rate +v6", table)
    assert json.loads(done(pie, "rules", "get", psm, "--json").stdout)["psm"] == psm


def test_every_mistake_is_shown_with_its_line_and_nothing_is_published(pie):
    text = "rules:\n- scope: {caler: a}\n  qps: -1\n"
    found = done(pie, "rules", "set", "cli.rules.bad", "rate", "-", stdin=text, code=1)
    assert "✗ line 2, rule 1, scope.caler: no such field; did you mean caller?" in found.stderr
    assert "   3 │   qps: -1" in found.stderr
    assert "nothing was published" in found.stderr
    assert "did you mean rate?" in done(pie, "rules", "get", "cli.rules.bad", "rat", code=1).stderr
    deny = ("rules", "set", "cli.rules.bad", "access", "caller=a.b.c", "effect=deny")
    assert "say why" in done(pie, *deny, code=1).stderr
    missing = done(pie, "rules", "set", "cli.rules.bad", "rate", "no-such.yaml", code=1)
    assert "no-such.yaml cannot be read" in missing.stderr


def test_editing(pie, editor):
    psm = "cli.rules.edit"
    edit = ("rules", "edit", psm, "rate", "-m", "edited")
    editor("text.replace('rules: []', 'rules:\\n- qps: 20')")
    assert "published v1" in done(pie, *edit).stdout
    editor("text")
    assert "nothing was changed" in done(pie, *edit).stderr
    editor("text.replace('qps: 20', 'qps: -20')")
    broken = done(pie, *edit, code=1).stderr
    assert "rule 1, qps: -20 is not a number" in broken
    kept = re.search(r"--file (\S+)`", broken)[1]
    assert "qps: -20" in Path(kept).read_text()
    editor("text.replace('qps: -20', 'qps: 25')")
    assert "published v2" in done(pie, *edit, "--file", kept).stdout
    assert not Path(kept).exists()


def test_the_second_of_two_editors_keeps_the_text(pie, editor):
    psm = "cli.rules.two"
    done(pie, "rules", "set", psm, "rate", "qps=10", "-m", "x")
    command = [sys.executable, "-m", "pie.tool.pie", "rules", "set", psm, "rate", "qps=11"]
    editor(
        f"(__import__('subprocess').run({[*command, '-m', 'faster']!r}), "
        "text.replace('qps: 10', 'qps: 12'))[1]"
    )
    late = done(pie, "rules", "edit", psm, "rate", "-m", "slower", code=1)
    assert "published v2" in late.stderr
    assert "“faster”" in late.stderr
    assert "+   qps: 11" in late.stderr
    kept = re.search(r"--file (\S+)`", late.stderr)[1]
    assert "qps: 12" in Path(kept).read_text()


def test_preview_and_explanation(pie):
    found = done(pie, "rules", "preview", PSM, "access", "effect=deny", "method=Get*")
    assert "it would reject" in found.stdout
    psm = "cli.rules.why"
    words = ("caller=cli.feed.*", "effect=deny", "-m", "no feed")
    done(pie, "rules", "set", psm, "access", *words)
    told = done(pie, "rules", "explain", psm, "Get", "--caller", "cli.feed.rank").stdout
    assert "rejected: access v1 caller=cli.feed.* denies it" in told
    told = done(pie, "rules", "explain", psm, "Get", "--caller", "cli.my.api").stdout
    assert "caller is cli.my.api, not cli.feed.*" in told
    assert "qps" in done(pie, "rules", "kinds", "rate").stdout


def test_freezing(pie):
    assert "frozen by" in done(pie, "rules", "freeze", "-m", "an incident").stdout
    try:
        refused = done(pie, "rules", "set", "cli.rules.ice", "rate", "qps=1", "-m", "x", code=1)
        assert "an incident" in refused.stderr
        assert "an incident" in done(pie, "rules").stdout
    finally:
        done(pie, "rules", "thaw")


def test_draining(pie):
    found = done(pie, "drain", "10.3.23.162", "-m", "disk")
    assert "no calls are sent to it" in found.stdout
    assert "drained" in found.stdout
    assert re.search(r"10\.3\.23\.162 +host .*disk", done(pie, "drain").stdout)
    back = done(pie, "drain", "10.3.23.162", "--undo")
    assert "open" in back.stdout
    assert "nothing is drained" in done(pie, "drain").stdout
    assert "no host and no instance nowhere" in done(pie, "drain", "nowhere", code=1).stderr


def test_a_spark_keeps_its_peaks():
    assert spark([0, 0, 0, 0], 4) == "▁▁▁▁"
    assert spark([0, 1, 0, 8], 2) == "▂█"
    assert spark([None, None, 8, None], 2) == " █"
    assert len(spark(range(1000), 12)) == 12
