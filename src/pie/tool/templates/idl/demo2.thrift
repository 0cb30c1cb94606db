// A sample: pietool --type thriftserver --idl demo2.thrift --psm toutiao.my.server --prefix my/server
include "base.thrift"

namespace py demo2

struct Demo2Item {
    1: i64 ItemId,
    2: string ItemName,
}

struct Demo2Request {
    1: i64 ItemId,
    255: base.Base Base,
}

struct Demo2Response {
    1: Demo2Item item,
    255: base.BaseResp BaseResp,
}

service DemoService {
    /** One item by its id. */
    Demo2Response GetItem(1: Demo2Request req),
}
