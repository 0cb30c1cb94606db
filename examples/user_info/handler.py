"""Users of the demo. Two of them are trouble, so that the platform has something to show."""

import logging
import time

from pyrpc.user_info import MGetUsersRequest, MGetUsersResponse, User

logger = logging.getLogger(__name__)

USERS = {
    1: {"name": "Ada", "since": 2012},
    2: {"name": "王敏", "since": 2014},
    3: {"name": "Grace", "since": 2013},
    4: {"name": "Linus", "since": 2016},
    5: {"name": "Margaret"},  # Written by an old client: `since` is missing.
    6: {"name": "Alan", "since": 2012},
}
COLD_SHARD = {4: 0.3, 6: 3.0}
"""Users on slow disks, and the seconds a read takes there."""


class Handler:
    def MGetUsers(self, req: MGetUsersRequest) -> MGetUsersResponse:
        found = {}
        for user_id in req.ids:
            if user_id in COLD_SHARD:
                logger.warning("user %d is on a cold shard", user_id)
                time.sleep(COLD_SHARD[user_id])
            row = USERS.get(user_id)
            if row is not None:
                found[user_id] = User(id=user_id, name=row["name"], since=row["since"])
        logger.info("found %d of %d users", len(found), len(req.ids))
        return MGetUsersResponse(users=found)
