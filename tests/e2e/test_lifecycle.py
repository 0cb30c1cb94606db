"""Services come and go, with the platform there and without it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import traffic
from fleet import SERVICES, Fleet

PSM = "toutiao.device.device_info"
FRONT_PAGE = traffic.KINDS["GET /stream"]


def seconds_until(condition, limit: float) -> float:
    """How long until the condition holds; fails at ``limit``."""
    start = time.monotonic()
    while not condition():
        took = time.monotonic() - start
        assert took < limit, f"not within {limit} s"
        time.sleep(0.1)
    return time.monotonic() - start


def is_serving(output: bytes) -> bool:
    """Whether the service says on which port it listens, and does; another may have its first."""
    said = re.search(rb"Starting \.\.\. with port: (\d+)", output)
    if said is None:
        return False
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(said[1]))) == 0


def test_a_service_comes_within_5_s_and_a_killed_one_leaves_within_15_s(fleet: Fleet) -> None:
    fleet.kill(PSM)
    seconds_until(lambda: not fleet.is_onboarded(PSM), 15)
    fleet.spawn(PSM)
    seconds_until(lambda: fleet.is_onboarded(PSM), 5)


def test_while_its_callee_is_gone_a_caller_says_so_and_recovers(fleet: Fleet) -> None:
    assert traffic.send(fleet.entries, FRONT_PAGE).status == 200
    fleet.kill(PSM)
    seconds_until(lambda: not fleet.is_onboarded(PSM), 15)
    assert traffic.send(fleet.entries, FRONT_PAGE).status in (503, 504)
    fleet.spawn(PSM)
    seconds_until(lambda: traffic.send(fleet.entries, FRONT_PAGE).status == 200, 10)


def test_a_service_starts_without_the_platform_and_registers_when_it_comes(fleet: Fleet) -> None:
    fleet.kill("platform")
    fleet.kill(PSM)
    output = fleet.directory / f"{PSM}.out"
    before = len(output.read_bytes())
    fleet.spawn(PSM)
    seconds_until(lambda: is_serving(output.read_bytes()[before:]), 10)
    fleet.spawn("platform")
    fleet.wait(fleet.client.is_healthy, "the platform did not come back")
    seconds_until(lambda: all(fleet.is_onboarded(psm) for psm in SERVICES), 20)
    # Its caller hears of it when it asks the platform again.
    seconds_until(lambda: traffic.send(fleet.entries, FRONT_PAGE).status == 200, 10)


def test_calls_go_on_while_the_platform_is_away_and_nothing_is_lost(fleet: Fleet) -> None:
    entries = fleet.entries
    fleet.kill("platform")
    sent = [traffic.send(entries, FRONT_PAGE) for _ in range(20)]
    assert {each.status for each in sent} == {200}
    fleet.spawn("platform")
    fleet.wait(fleet.client.is_healthy, "the platform did not come back")

    def arrived() -> bool:
        chains = [fleet.client.chain(each.logid) for each in sent]
        return all(chain is not None and len(chain["nodes"]) == 3 for chain in chains)

    seconds_until(arrived, 30)


def test_a_script_needs_one_line(fleet: Fleet, tmp_path: Path) -> None:
    article = fleet.folder("toutiao.article.article")
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(article)!r})\n"
        "import pie.serve; pie.serve.script('toutiao.my.script')\n"
        "from clients import devices\n"
        "from pyrpc.device_info import GetInstallationRequest\n"
        "print(devices.GetInstallation(GetInstallationRequest(device_id=2)))\n"
    )
    environment = os.environ | {
        "RUNTIME_ROOT": str(fleet.directory),
        "PIE_PLATFORM": fleet.url,
        "PIE_TOKEN_FILE": str(fleet.directory / "platform" / "service.token"),
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "GetInstallationResponse(installation=Installation(device_id=2, "
        "platform=<Platform.IOS: 2>, model='iPhone 7', os_version='10.3', language='zh', "
        "region='CN'), BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))\n"
    )

    def seen() -> bool:
        chains = fleet.client.get("/api/chains?psm=toutiao.my.script")["chains"]
        return len(chains) == 1

    seconds_until(seen, 10)


@pytest.mark.parametrize("path", ["/api/services", "/api/chains", "/openapi.json"])
def test_the_api_wants_a_token(fleet: Fleet, path: str) -> None:
    connection = http.client.HTTPConnection(fleet.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.slow
def test_a_service_older_than_the_platforms_token_registers_when_it_is_there(
    tmp_path: Path,
) -> None:
    """The very first start, in the wrong order."""
    with Fleet(tmp_path, 0) as fleet:
        token = tmp_path / "platform" / "service.token"
        hidden = token.rename(tmp_path / "hidden")
        fleet.kill(PSM)
        seconds_until(lambda: not fleet.is_onboarded(PSM), 15)
        fleet.spawn(PSM)
        time.sleep(2)
        assert not fleet.is_onboarded(PSM)
        hidden.rename(token)
        seconds_until(lambda: fleet.is_onboarded(PSM), 20)
