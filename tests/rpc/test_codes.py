"""Business codes that count as failures: declared in the IDL or in settings, for both sides."""

import contextlib

import pytest

from pie.model import declare_failure_codes, read_failure_codes
from pie.rpc import BusinessError
from pie.thrift import load_module

PSM = "toutiao.my.server"


@pytest.mark.parametrize("raised", [False, True], ids=["in the response", "raised"])
def test_both_sides_count_a_code_that_is_declared_a_failure(
    start, handler, demo, bench, raised
) -> None:
    def withdrawn(req):
        if raised:
            raise BusinessError(1410, "withdrawn")
        status = demo.base.BaseResp(StatusMessage="withdrawn", StatusCode=1410)
        return demo.Demo2Response(item=demo.Demo2Item(ItemId=1, ItemName="x"), BaseResp=status)

    handler.GetItem = withdrawn
    start(handler)
    client = demo.DemoServiceClient(PSM)
    declare_failure_codes(read_failure_codes(["GetItem:1000..1999"]))
    try:
        with contextlib.suppress(BusinessError):
            client.GetItem(demo.Demo2Request(ItemId=1))
        edges = bench.facts("edges")
    finally:
        declare_failure_codes({})
    assert {(row["side"], row["outcome"], row["code"]) for row in edges} == {
        ("server", "business_failure", 1410),
        ("client", "business_failure", 1410),
    }


CODES = """
include "base.thrift"
struct Answer { 255: base.BaseResp BaseResp }
service Shop {
  Answer Buy(1: i32 code) (pie.failure_codes = "1410, 1500..1599"),
  Answer Look(1: i32 code),
}
"""


@pytest.mark.parametrize("transport", ["ttheader", "framed", "buffered"])
def test_both_sides_count_the_codes_that_the_idl_declares(start, bench, demo, transport) -> None:
    """The caller by its own copy of the IDL: also where the reply can carry no mark."""
    shop = load_module(CODES, {"base.thrift": demo.DemoService.idl_files["base.thrift"]})

    class Handler:
        def Buy(self, code):
            return shop.Answer(BaseResp=shop.base.BaseResp(StatusMessage="no", StatusCode=code))

        Look = Buy

    start(Handler(), service=shop.Shop, transport=transport)
    client = shop.ShopClient(PSM)
    for code in (1410, 1411, 1500):
        client.Buy(code)
    client.Look(1410)
    found = {(row["side"], row["method"], row["code"], row["outcome"]) for row in bench.facts()}
    assert found == {
        (side, method, code, outcome)
        for side in ("server", "client")
        for method, code, outcome in (
            ("Buy", 1410, "business_failure"),
            ("Buy", 1411, "business"),
            ("Buy", 1500, "business_failure"),
            ("Look", 1410, "business"),
        )
    }
