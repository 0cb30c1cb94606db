include "base.thrift"

struct Demo2Item {
    1: i32 ItemId,
    2: string ItemName,
}

struct Demo2Request {
    1: i32 ItemId,
    255: optional base.Base Base,
}

struct Demo2Response {
    1: Demo2Item item,
    255: optional base.BaseResp BaseResp,
}

exception NoSuchItem {
    1: i32 ItemId,
}

service DemoService {
    Demo2Response GetItem(1: Demo2Request req) throws (1: NoSuchItem missing),
    oneway void Note(1: string text),
    void Nothing(),
}
