include "base.thrift"

namespace py user_info

struct User {
    1: i64 id,
    2: string name,
    /** Year in which the account was opened. */
    3: i32 since,
}

struct MGetUsersRequest {
    1: list<i64> ids,
    255: base.Base Base,
}

struct MGetUsersResponse {
    /** Unknown ids are left out. */
    1: map<i64, User> users,
    255: base.BaseResp BaseResp,
}

service UserInfoService {
    /** Looks up users by id. */
    MGetUsersResponse MGetUsers(1: MGetUsersRequest req),
}
