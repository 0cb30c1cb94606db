// A sample: pietool --type thriftclient --prefix my/test --idl demo_test.thrift
include "demo2.thrift"

namespace py demo_test

/** What testers call. Its psm says whom a client reaches when nobody says otherwise. */
service DemoTestService extends demo2.DemoService {
} (psm = "toutiao.my.server")
