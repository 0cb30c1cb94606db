"""What the pages about Thrift services say in Python, run; and what they say of it, seen."""

import inspect
import logging
import re
import socket
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import pie.serve
from pie import rpc
from pie.model import Failure, Kind
from pie.rpc import BusinessError, ServerOptions
from pie.serve.settings.keys import KEYS
from pie.thrift import (
    FRAMED,
    ApplicationError,
    FrameSplitter,
    decode_reply,
    encode_call,
    load_module,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BASE = ROOT / "src" / "pie" / "tool" / "templates" / "idl" / "base.thrift"
PAGES = ("rpc-server", "wire", "performance")
PSM = "toutiao.my.shop"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def text_of(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return [body for found, body in _BLOCK.findall(text_of(page)) if found == language]


@pytest.fixture(scope="module")
def shop() -> ModuleType:
    """The module generated for the interface of rpc-server.md."""
    (interface,) = blocks("rpc-server", "thrift")
    return load_module(interface, {"base.thrift": BASE.read_text()}, path="shop.thrift")


@pytest.fixture
def run_page(monkeypatch: pytest.MonkeyPatch, shop: ModuleType) -> Any:
    """Runs the Python of a page, from top to bottom; returns what it defined."""
    package = ModuleType("pyrpc")
    for name, module in {"pyrpc": package, "pyrpc.shop": shop, "pyrpc.base": shop.base}.items():
        monkeypatch.setitem(sys.modules, name, module)

    def run(page: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": page, "settings": None}
        names["serve"] = SimpleNamespace(thrift=inspect.signature(pie.serve.thrift).bind)
        for number, block in enumerate(blocks(page, "python")):
            exec(compile(block, f"{page}.md, block {number}", "exec"), names)
        return names

    return run


@pytest.fixture
def served(run_page, shop, start) -> Any:
    """A client of a handler of rpc-server.md, which is being served."""

    def serve(name: str, gates: str = "") -> Any:
        page = run_page("rpc-server")
        own = page[gates] if gates else ()
        start(page[name](), psm=PSM, service=shop.ShopService, gates=own)
        return shop.ShopServiceClient(PSM, timeout=10)

    return serve


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(run_page, page: str) -> None:
    run_page(page)


@pytest.mark.parametrize("name", ["Handler", "AsyncHandler", "CuriousHandler"])
def test_what_a_caller_gets(served, shop, name: str) -> None:
    client = served(name)
    found = client.GetItem(shop.GetItemRequest(ItemId=1))
    assert (found.item.ItemName, found.BaseResp.StatusMessage) == ("tea", "SUCCESS")
    with rpc.options() as made:
        found = client.GetItem(shop.GetItemRequest(ItemId=2))
    assert (found.item, found.BaseResp.StatusCode) == (None, 1201)
    assert made.business == (1201, "sold out", {})
    with pytest.raises(shop.ItemNotFound):
        client.GetItem(shop.GetItemRequest(ItemId=9))


def test_oneway_returns_nothing(served) -> None:
    heard = Heard()
    logger = logging.getLogger("rpc-server")
    logger.addHandler(heard)
    try:
        client = served("Handler")
        logger.setLevel(logging.INFO)
        assert client.Note("hello") is None
        assert heard.came.wait(10)
    finally:
        logger.removeHandler(heard)
    assert heard.text == "noted hello"


class Heard(logging.Handler):
    """Waits for a line."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
        self.came.set()


def test_a_failure_keeps_its_kind_and_words(served, shop) -> None:
    with pytest.raises(Failure, match="opens at nine") as caught:
        served("ClosedShop").GetItem(shop.GetItemRequest(ItemId=1))
    assert (caught.value.kind, caught.value.raised_by) == (Kind.UNAVAILABLE, "peer")


def test_a_business_status(served, shop) -> None:
    with pytest.raises(BusinessError) as caught:
        served("StrictHandler").GetItem(shop.GetItemRequest(ItemId=2))
    assert caught.value.status == (1201, "sold out", {"again": "2026-12-01"})


def test_gates(run_page, served, shop, start) -> None:
    """A client of this process, toutiao.my.server, and one that does not say who it is."""
    found = served("Handler", gates="GATES").GetItem(shop.GetItemRequest(ItemId=1))
    assert found.item.ItemName == "tea"
    page = run_page("rpc-server")
    port = start(page["Handler"](), service=shop.ShopService, gates=page["GATES"])
    method = shop.ShopService.methods["GetItem"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        request = method.args(shop.GetItemRequest(ItemId=1))
        sock.sendall(encode_call(method, request, 1, FRAMED))
        splitter = FrameSplitter()
        while (frame := splitter.take()) is None:
            splitter.feed(sock.recv(65536))
    with pytest.raises(ApplicationError, match="GetItem is for services of toutiao"):
        decode_reply(method, frame, 1)


def test_values_that_go_back(served, shop) -> None:
    with rpc.options() as made:
        served("CuriousHandler").GetItem(shop.GetItemRequest(ItemId=1))
    assert made.backward == {"COST": "7"}


def test_every_bound_is_reported_with_its_default() -> None:
    bounds = ServerOptions.__struct_fields__
    lines = [line.split("|") for line in text_of("rpc-server").splitlines()]
    rows = [[cell.strip(" `") for cell in line[1:4]] for line in lines if len(line) == 6]
    documented = {name: (setting, default) for name, setting, default in rows if name in bounds}
    assert set(documented) == set(bounds)
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "s": 1}
    for name, (setting, default) in documented.items():
        assert set(re.findall("[A-Z_]+", setting)) <= set(KEYS), name
        number, _, unit = default.replace(",", "").partition(" ")
        expected = None if number == "none" else float(number) * units.get(unit, 1)
        assert getattr(ServerOptions(), name) == expected, name
