"""The cases of ``smuggling.yml``."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Case(NamedTuple):
    name: str
    data: bytes
    said: dict[str, Any]


def text_of(send: Any) -> str:
    return send if isinstance(send, str) else "".join(text * times for text, times in send)


def cases() -> list[Case]:
    families = yaml.safe_load((Path(__file__).parent / "smuggling.yml").read_text())
    return [
        Case(
            f"{family['family']}-{number}",
            "".join((before, text_of(case["send"]), after)).encode("latin-1"),
            case,
        )
        for family in families
        for before, after in [family["around"]]
        for number, case in enumerate(family["cases"], 1)
    ]


CASES = cases()
