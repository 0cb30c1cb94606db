"""Installations of the demo. Three devices are trouble, so that there is something to see."""

import logging
import sqlite3
import time

import store
from pyrpc.device_info import (
    GetInstallationRequest,
    GetInstallationResponse,
    Installation,
    MGetInstallationsRequest,
    MGetInstallationsResponse,
    Platform,
)

logger = logging.getLogger(__name__)
store.prepare()

MOST_DEVICES = 100
COLD_SHARD = {4: 0.3, 6: 3.0}
"""Devices on slow disks, and the seconds a read takes there."""


class Handler:
    def GetInstallation(self, req: GetInstallationRequest) -> GetInstallationResponse:
        return GetInstallationResponse(installation=read(req.device_id))

    def MGetInstallations(self, req: MGetInstallationsRequest) -> MGetInstallationsResponse:
        wanted = req.device_ids[:MOST_DEVICES]
        read_all = ((device_id, read(device_id)) for device_id in wanted)
        found = {device_id: each for device_id, each in read_all if each is not None}
        logger.info("found %d of %d installations", len(found), len(wanted))
        return MGetInstallationsResponse(installations=found)


def read(device_id: int) -> Installation | None:
    if device_id in COLD_SHARD:
        logger.warning("device %d is on a cold shard", device_id)
        time.sleep(COLD_SHARD[device_id])
    rows = store.query("SELECT * FROM installations WHERE device_id = ?", device_id)
    return installation(rows[0]) if rows else None


def installation(row: sqlite3.Row) -> Installation:
    return Installation(
        device_id=row["device_id"],
        platform=Platform[row["platform"]],  # A bug: old clients wrote none.
        model=row["model"],
        os_version=row["os_version"],
        language=row["language"],
        region=row["region"],
    )
