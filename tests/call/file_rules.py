"""A source of rules that is a file, for tests."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pie.govern import KINDS, Key, RuleSet, parse


class FileRules:
    """A source that reads rule sets from a file of one JSON text each line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wanted: set[str] = set()
        self._followers: list[Callable[[], None]] = []

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        found = [parse(line, KINDS) for line in lines]
        return {Key(each.kind.kind, each.psm, each.side): each for each in found}

    def follow(self, changed: Callable[[], None]) -> None:
        self._followers.append(changed)

    def want(self, psm: str) -> None:
        self.wanted.add(psm)

    def write(self, *sets: dict[str, Any]) -> None:
        self.path.write_text("".join(f"{json.dumps(each)}\n" for each in sets))
        for each in self._followers:
            each()
