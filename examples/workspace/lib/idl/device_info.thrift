include "base.thrift"

namespace py device_info

enum Platform {
    UNKNOWN = 0,
    ANDROID = 1,
    IOS = 2,
    WEB = 3,
}

/** One installation of the app on one device. */
struct Installation {
    1: i64 device_id,
    2: Platform platform,
    3: string model,
    4: string os_version,
    /** As people choose it in the app: en, zh, … */
    5: string language,
    6: string region,
}

struct GetInstallationRequest {
    1: i64 device_id,
    255: base.Base Base,
}

struct GetInstallationResponse {
    1: optional Installation installation,
    255: base.BaseResp BaseResp,
}

struct MGetInstallationsRequest {
    1: list<i64> device_ids,
    255: base.Base Base,
}

struct MGetInstallationsResponse {
    /** Unknown devices are left out. */
    1: map<i64, Installation> installations,
    255: base.BaseResp BaseResp,
}

service DeviceInfoService {
    /** One installation; none is an answer too. */
    GetInstallationResponse GetInstallation(1: GetInstallationRequest req),

    MGetInstallationsResponse MGetInstallations(1: MGetInstallationsRequest req),
}
