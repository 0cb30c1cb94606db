"""The old device service: plain Apache Thrift, not on Pie, so it never logs a call.

    python server.py PORT

``gen_py`` is what Apache's compiler makes of the same IDL: thrift -r --gen py:slots.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "gen_py"))

from base.ttypes import BaseResp  # noqa: E402 - found through the path above
from device_info import DeviceInfoService  # noqa: E402
from device_info.ttypes import (  # noqa: E402
    GetInstallationRequest,
    GetInstallationResponse,
    Installation,
    MGetInstallationsRequest,
    MGetInstallationsResponse,
    Platform,
)
from thrift.protocol import TBinaryProtocol  # noqa: E402
from thrift.server.TServer import TThreadedServer  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402

INSTALLATIONS = HERE.parent / "workspace" / "app" / "device" / "device_info" / "installations.sql"


class Handler:
    def __init__(self, rows: dict[int, tuple]) -> None:
        self._rows = rows

    def GetInstallation(self, req: GetInstallationRequest) -> GetInstallationResponse:
        return GetInstallationResponse(self._read(req.device_id), BaseResp("SUCCESS", 0))

    def MGetInstallations(self, req: MGetInstallationsRequest) -> MGetInstallationsResponse:
        found = {each: self._read(each) for each in req.device_ids if each in self._rows}
        return MGetInstallationsResponse(found, BaseResp("SUCCESS", 0))

    def _read(self, device_id: int) -> Installation | None:
        row = self._rows.get(device_id)
        if row is None:
            return None
        platform = Platform._NAMES_TO_VALUES.get(row[1], Platform.UNKNOWN)
        return Installation(row[0], platform, *row[2:])


def main() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(INSTALLATIONS.read_text(encoding="utf-8"))
        rows = {row[0]: row for row in database.execute("SELECT * FROM installations")}
    server = TThreadedServer(
        DeviceInfoService.Processor(Handler(rows)),
        TSocket.TServerSocket("127.0.0.1", int(sys.argv[1])),
        TTransport.TFramedTransportFactory(),
        TBinaryProtocol.TBinaryProtocolFactory(),
        daemon=True,
    )
    server.serve()


if __name__ == "__main__":
    main()
