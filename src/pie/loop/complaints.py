"""What a server logs of its peers. Anybody who connects can cause such lines: few are written."""

import logging

from pie.observe import Seldom

logger = logging.getLogger(__name__)


class Complaints:
    """The lines of one server.

    Attributes:
        closed: a connection was closed, because of what came or did not come over it.
        refused: a connection was one too many, or none can be accepted.
    """

    def __init__(self) -> None:
        self.closed = Seldom(logger)
        self.refused = Seldom(logger)
