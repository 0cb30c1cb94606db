// What every Thrift side of the benchmark serves. bench.proto says the same for gRPC.
namespace py bench

struct Base {
    1: string LogID = "",
    2: string Caller = "",
    3: string Addr = "",
    4: string Client = "",
    6: optional map<string, string> Extra,
}

struct BaseResp {
    1: string StatusMessage = "",
    2: i32 StatusCode = 0,
    3: optional map<string, string> Extra,
}

struct Item {
    1: i64 id,
    2: string title,
    3: string author,
    4: i32 likes,
    5: i64 created,
    6: double score,
    7: bool pinned,
    8: list<string> tags,
}

struct MGetItemsRequest {
    1: list<i64> ids,
    255: optional Base base,
}

struct MGetItemsResponse {
    1: list<Item> items,
    255: optional BaseResp base_resp,
}

service Bench {
    // The text that came.
    string Echo(1: string text),
    // One item for each id.
    MGetItemsResponse MGetItems(1: MGetItemsRequest request),
    // Waits without using the processor.
    i32 Sleep(1: i32 milliseconds),
    // Uses the processor, in Python, holding the interpreter.
    i32 Spin(1: i32 rounds),
}
