"""Takes rules away whose time is over, so that pages and changes say so; on one platform of all.

Processes end such a rule by themselves, to the second: this only tidies up behind them.
"""

import logging

from starlette.concurrency import run_in_threadpool

from pie.platform.pages.degrade.store import SwitchBook
from pie.platform.server.deps import Deps, Work
from pie.platform.server.fenced import run_fenced
from pie.state import Store, StoreError
from pie.state.freeze import Frozen
from pie.state.store.fence import Fenced

_log = logging.getLogger("pie.platform")


class Ending(Work):
    """Looks every few seconds; the platform that holds the fence does the work."""

    period = 3.0

    def __init__(self, store: Store) -> None:
        self._book = SwitchBook(store)
        self.fence = Fenced(store, "degrade-ending")

    @classmethod
    def of(cls, deps: Deps) -> "Ending":
        """The work of a platform."""
        return cls(deps.store)

    async def run(self) -> None:
        await run_fenced(self)

    async def look(self) -> None:
        """End what is over."""
        await run_in_threadpool(self._end)

    def _end(self) -> None:
        try:
            for psm in self._book.indexed():
                self._book.end(psm)
        except Frozen:
            pass  # Nobody publishes at present: later.
        except StoreError as error:
            _log.warning("switches whose time is over could not be taken away: %s", error)
