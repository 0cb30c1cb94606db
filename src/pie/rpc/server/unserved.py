"""A call that was rejected behind its gates, but before its handler ran."""

from pie.model import Failure, Kind


class Unserved(Failure):
    """Another instance may be asked: the reply says so, where it has headers."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(kind, message, never_sent=True)
