// The demo service.
include "base.thrift"

namespace py demo2

/** A thing
 * with a name. */
struct Demo2Item {
    1: required i64 ItemId,   // counts from 1
    2: string ItemName,
}

exception NotFound {
    1: i64 ItemId,
    2: string message,
}

struct Demo2Request {
    1: i64 ItemId,
    255: optional base.Base Base,
}

struct Demo2Response {
    1: optional Demo2Item item,
    255: base.BaseResp BaseResp,
}

service DemoService {
    /** Finds one item. */
    Demo2Response GetItem(1: Demo2Request req) throws (1: NotFound missing),
    void Ping(),
    oneway void Forget(1: i64 ItemId),
}
