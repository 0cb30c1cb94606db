"""``pie degrade``: switches in the terminal."""

import json
import time

PSM = "toutiao.article.article"


def test_off_list_and_on(pie) -> None:
    unknown = pie("degrade", "off", PSM, "recommend", "-m", "slow")
    assert unknown.returncode == 1
    assert "has no switch recommend: it has reported none" in unknown.stderr
    done = pie("degrade", "off", PSM, "recommend", "-m", "slow", "--for", "1h", "--force")
    assert done.returncode == 0, done.stderr
    assert f"{PSM} recommend: off" in done.stdout and "until" in done.stdout
    listed = pie("degrade", "ls", "--off").stdout
    assert "recommend" in listed and "slow" in listed and "1 not on" in listed
    (row,) = json.loads(pie("degrade", "ls", "recommend", "--json").stdout)["switches"]
    assert 3000 < row["until"] - time.time() < 3700
    done = pie("degrade", "on", PSM, "recommend", "-m", "fast")
    assert (done.returncode, "recommend: on" in done.stdout) == (0, True)
    assert "no switch matches" in pie("degrade", "ls", "recommend", "--off").stdout.lower()


def test_what_is_wrong_is_reported(pie) -> None:
    assert "no length of time" in pie("degrade", "off", PSM, "x", "-m", "y", "--for", "soon").stderr
    assert "--reason" in pie("degrade", "off", PSM, "x").stderr
    assert "PSM and SWITCH" in pie("degrade", "off", PSM, "-m", "y").stderr
    assert (
        "there is no group evening" in pie("degrade", "on", "--group", "evening", "-m", "y").stderr
    )
