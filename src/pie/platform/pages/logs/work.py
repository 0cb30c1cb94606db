"""What the log search keeps between requests: known values, live tails, search tasks."""

from pie.platform.pages.logs.sql import LogSearch
from pie.platform.pages.logs.tail import Tails
from pie.platform.pages.logs.tasks.queue import Tasks
from pie.platform.pages.logs.tasks.store import TaskStore
from pie.platform.server.deps import Deps, Work


class LogWork(Work):
    """Live tails hear of every commit; tasks are run."""

    def __init__(self, deps: Deps) -> None:
        self.search = LogSearch(deps.facts.query)
        self.tails = Tails(deps.facts.query)
        self.tasks = Tasks(TaskStore(deps.store), self.search)
        deps.facts.on_commit(self.tails.committed)

    async def run(self) -> None:
        await self.tasks.run()

    def close(self) -> None:
        self.tails.close()
