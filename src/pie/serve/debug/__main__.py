"""Ask a running process: ``python -m pie.serve.debug SOCKET COMMAND [name=value …]``."""

import json
import sys
from typing import Any

from pie.observe.log.terminal import clean
from pie.serve.debug.client import DebugClient, DebugError

USAGE = (
    "usage: python -m pie.serve.debug SOCKET COMMAND [name=value ...]; the command help lists all"
)


def main(arguments: list[str]) -> None:
    """Print the answer to one command.

    Raises:
        SystemExit: with the usage, or with what went wrong.
    """
    if len(arguments) < 2 or arguments[0] in ("-h", "--help"):
        sys.exit(USAGE)
    path, command, *rest = arguments
    given: dict[str, str] = {}
    for each in rest:
        name, equals, value = each.partition("=")
        if not equals or name == "command":
            sys.exit(f"{each!r} is not name=value\n{USAGE}")
        given[name] = value
    try:
        answer = DebugClient(path).ask(command, **given)
    except DebugError as error:
        sys.exit(clean(f"pie: {error}"))
    sys.stdout.write(clean(_text(command, answer)) + "\n")


def _text(command: str, answer: Any) -> str:
    if command == "stacks":
        return "\n\n".join(
            "\n".join([f"thread {each['thread']} ({each['ident']})", *_indented(each["stack"])])
            for each in answer
        )
    if command == "help":
        width = max(map(len, answer))
        return "\n".join(f"{name:<{width}}  {meaning}" for name, meaning in answer.items())
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


if __name__ == "__main__":
    main(sys.argv[1:])
