"""Callers and callees in C++, on Apache Thrift's library and its compiler's output."""

import subprocess
from pathlib import Path

import pytest
from tests.rpc.conftest import register

from pie.model import Failure

PSM = "toutiao.legacy.cpp"
HERE = Path(__file__).parent
ADVICE = "apt-get install g++ thrift-compiler libthrift-dev"


@pytest.fixture(scope="module")
def peer(program, tmp_path_factory):
    """The program of ``cpp/peer.cpp``."""
    thrift, compiler = program("thrift", ADVICE), program("g++", ADVICE)
    if not Path("/usr/include/thrift/Thrift.h").exists():
        program("libthrift-dev", ADVICE)
    folder = tmp_path_factory.mktemp("cpp")
    for name in ("base", "demo"):
        idl = (HERE / f"{name}.thrift").read_text()
        # In C++ a field cannot have the name of its type; names are not on the wire.
        idl = idl.replace("TrafficEnv TrafficEnv", "TrafficEnv Traffic")
        (folder / f"{name}.thrift").write_text(idl)
    for name in ("base", "demo"):
        command = [thrift, "--gen", "cpp:no_skeleton", "-out", ".", f"{name}.thrift"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    sources = ["DemoService.cpp", "demo_types.cpp", "base_types.cpp", str(HERE / "cpp/peer.cpp")]
    include = ["-I.", f"-I{HERE / 'cpp'}"]
    libraries = ["-lthriftz", "-lthrift", "-pthread"]  # THeader is in the first.
    command = [compiler, "-std=c++14", *include, "-o", "peer", *sources, *libraries]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return str(folder / "peer")


@pytest.mark.parametrize("protocol", ["binary", "compact"])
@pytest.mark.parametrize("transport", ["framed", "buffered", "theader"])
def test_a_caller(start, handler, bench, peer, transport, protocol) -> None:
    port = str(start(handler))
    command = [peer, "call", port, transport, protocol]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    lines = output.splitlines()
    assert "internal error" in lines.pop(2)
    assert lines == ["7 123", "missing 404", "8 123", "nothing"]
    assert handler.note_came.wait(10)
    assert handler.noted == ["from C++"]
    assert [row["outcome"] for row in bench.facts()] == [
        "ok", "business", "internal", "ok", "ok", "ok",
    ]  # fmt: skip
    assert bench.facts()[0]["caller"] == PSM


@pytest.mark.parametrize("protocol", ["binary", "compact"])
@pytest.mark.parametrize("transport", ["framed", "buffered"])
def test_a_callee(demo, bench, peer, transport, protocol) -> None:
    command = [peer, "serve", transport, protocol]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout
        port = int(serving.stdout.readline())
        spoken = transport if protocol == "binary" else f"{transport}+compact"
        register(bench, port, psm=PSM, cluster="default", transport=spoken)
        client = demo.DemoServiceClient(PSM, timeout=10)
        for _ in range(3):
            item = client.GetItem(demo.Demo2Request(ItemId=7)).item
            assert (item.ItemId, item.ItemName) == (7, "toutiao.my.server")
            with pytest.raises(demo.NoSuchItem):
                client.GetItem(demo.Demo2Request(ItemId=404))
            with pytest.raises(Failure, match=r"trouble in C\+\+"):
                client.GetItem(demo.Demo2Request(ItemId=500))
            client.Nothing()
        client.Note("hello")
        assert serving.stdout.readline() == "noted hello\n"
        serving.communicate(timeout=20)
