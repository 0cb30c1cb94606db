"""How pytest-xdist deals out the tests: whole files, the longest first.

A file stays on one worker, so that fixtures of its module are made once. What runs longest begins
first, so that no worker is alone with it at the end.
"""

from typing import Any

import pytest

FIRST = (
    "tests/tool/up/",
    "tests/rpc/server/test_hostile.py",
    "tests/e2e/",
    "tests/platform/",
    "tests/tool/",
    "tests/rpc/",
    "tests/serve/",
    "tests/benchmarks/",
)
"""What takes longest, by the beginning of its path. An order that is out of date does no harm."""

TOGETHER = {
    "tests/e2e/test_seed.py": "documented ports",
    "tests/e2e/test_tutorial.py": "documented ports",
}
"""Files that would wait for each other, and so belong on one worker."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return TOGETHER.get(file, file)

    config.option.loadscopereorder = False
    return Files(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    ranks = (n for n, path in enumerate(FIRST) if item.nodeid.startswith(path))
    return next(ranks, len(FIRST))
