"""Writes the tables of parameters into docs/policies/, from the types of the rules.

    python tools/parameters.py            write them
    python tools/parameters.py rate       show the one of a kind

A page has the table of its kind between two lines of comment; the first names the kind.
"""

import re
import sys
from pathlib import Path

import msgspec

from pie.govern import KINDS, Rule, RuleField, describe

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "policies"
TABLE = re.compile(
    r"(^<!-- parameters of (\w+), written by tools/parameters\.py -->\n).*?(^<!-- end -->$)",
    re.DOTALL | re.MULTILINE,
)


def table(kind: type[Rule]) -> str:
    """The parameters of a kind, as a table of Markdown."""
    rows = ["| field | value | default | what it does |", "|---|---|---|---|"]
    return "\n".join([*rows, *map(_row, describe(kind))]) + "\n"


def _row(field: RuleField) -> str:
    default = msgspec.json.encode(field.default).decode()
    expects = field.expects.replace("|", "\\|")
    return f"| `{field.name}` | {expects} | `{default}` | {field.help} |"


def written(page: str) -> str:
    """A page with its tables as they should be.

    Raises:
        KeyError: it names a kind that there is not.
    """
    return TABLE.sub(lambda found: found[1] + table(KINDS[found[2]]) + found[3], page)


def main(kinds: list[str]) -> None:
    for kind in kinds:
        print(table(KINDS[kind]), end="")
    for page in [] if kinds else FOLDER.glob("*.md"):
        text = page.read_text()
        if written(text) != text:
            page.write_text(written(text))
            print(f"wrote {page.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
