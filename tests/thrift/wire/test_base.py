"""Base and BaseResp, found by field id in structs of whatever name."""

import pytest

from pie.thrift import (
    BaseInfo,
    BaseRespInfo,
    decode,
    encode,
    fill_base,
    fill_base_resp,
    load_module,
    read_base,
    read_base_resp,
)

OTHER_NAMES = """
struct Meta {
  4: string who, 3: string host, 2: string from, 1: string trace, 6: map<string,string> more
}
struct Outcome { 1: string text, 2: i64 number }
struct Ask { 1: i32 x, 255: required Meta meta }
struct Answer { 255: Outcome outcome }
struct NotThat { 255: Answer nothing }
struct Plain { 1: i32 x, 255: string text }
service S {
  Answer One(1: Ask ask), Answer Two(1: Ask ask, 2: i32 n, 3: Ask other, 255: Meta meta),
  i32 None1(1: Plain plain, 2: NotThat other)
}
"""
INFO = BaseInfo("logid-1", "a.b.c", "10.0.0.1", "pie", open=True, env="boe", extra={"k": "v"})


@pytest.fixture(scope="module")
def other():
    return load_module(OTHER_NAMES)


def test_base_reaches_the_other_side(demo2):
    args = demo2.DemoService_GetItem_args(demo2.Demo2Request(1))
    assert fill_base(args, INFO)
    assert read_base(decode(type(args), encode(args))) == INFO
    assert args.req.Base == demo2.base.Base(
        "logid-1", "a.b.c", "10.0.0.1", "pie", demo2.base.TrafficEnv(True, "boe"), {"k": "v"}
    )


def test_base_is_new_each_time_and_keeps_the_callers_extra(demo2):
    args = demo2.DemoService_GetItem_args(
        demo2.Demo2Request(1, demo2.base.Base(LogID="old", Extra={"mine": "1", "k": "2"}))
    )
    first = args.req.Base
    fill_base(args, INFO)
    assert first == demo2.base.Base(LogID="old", Extra={"mine": "1", "k": "2"})
    assert args.req.Base.Extra == {"mine": "1", "k": "v"}
    fill_base(args, BaseInfo(logid="2"))
    assert args.req.Base == demo2.base.Base("2", Extra={"mine": "1", "k": "v"})
    assert args.req.Base.TrafficEnv is None


def test_names_do_not_matter(other):
    args = other.S_Two_args(other.Ask(1), 2, other.Ask(3))
    assert fill_base(args, INFO)
    filled = other.Meta(who="pie", host="10.0.0.1", from_="a.b.c", trace="logid-1", more={"k": "v"})
    assert args.ask.meta == args.other.meta == args.meta == filled
    assert read_base(args) == BaseInfo("logid-1", "a.b.c", "10.0.0.1", "pie", extra={"k": "v"})

    answer = other.Answer()
    assert fill_base_resp(answer, BaseRespInfo("no", 1001, {"not": "kept"}))
    assert answer.outcome == other.Outcome("no", 1001)
    assert read_base_resp(answer) == BaseRespInfo("no", 1001)


def test_no_place_no_base(other):
    args = other.S_None1_args(other.Plain(1, "mine"), other.NotThat())
    assert not fill_base(args, INFO)
    assert read_base(args) is None
    assert args.plain.text == "mine"
    for response in (5, None, other.Plain(1), other.NotThat(other.Answer())):
        assert not fill_base_resp(response)
        assert read_base_resp(response) is None
    assert not fill_base(other.S_One_args(None), INFO)


def test_nothing_sent_is_nothing_read(demo2):
    assert read_base(demo2.DemoService_GetItem_args(demo2.Demo2Request(1))) is None
    assert read_base_resp(demo2.Demo2Response()) is None
    empty = demo2.base.Base()
    empty.LogID = None
    args = demo2.DemoService_GetItem_args(demo2.Demo2Request(1, empty))
    assert read_base(args) == BaseInfo()


def test_success_is_reported_unless_the_handler_set_otherwise(demo2):
    response = demo2.Demo2Response(demo2.Demo2Item(1, "123"))
    assert fill_base_resp(response)
    assert repr(response) == (
        "Demo2Response(item=Demo2Item(ItemId=1, ItemName='123'), "
        "BaseResp=BaseResp(StatusMessage='SUCCESS', StatusCode=0))"
    )
    untouched = demo2.Demo2Response(demo2.Demo2Item(1, "123"), demo2.base.BaseResp())
    assert fill_base_resp(untouched)
    assert untouched == response
    own = demo2.Demo2Response(BaseResp=demo2.base.BaseResp("sold out", 2001, {"a": "1"}))
    assert fill_base_resp(own, BaseRespInfo("SUCCESS", 0, {"a": "2", "b": "3"}))
    assert read_base_resp(own) == BaseRespInfo("sold out", 2001, {"a": "1", "b": "3"})
