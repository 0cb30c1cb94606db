"""Background work of the platform begins anew after any error, and ends when it is told to."""

import asyncio

import pytest
from tests.sabotage import ERRORS

from pie.platform.server.keep_on import keep_on


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("pie.platform.server.keep_on.Backoff.next", lambda self: 0.0)


def test_it_begins_anew_after_every_error_and_says_each_once(caplog):
    left = [*ERRORS, *reversed(ERRORS)]
    done = []

    async def work() -> None:
        if left:
            raise left.pop()
        done.append(True)

    asyncio.run(keep_on("the work", work))
    assert done == [True]
    assert len([r for r in caplog.records if "the work failed" in r.message]) == 2 * len(ERRORS) - 1


def test_cancelling_ends_it():
    async def main() -> None:
        task = asyncio.create_task(keep_on("the work", asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
