"""Reads the pages of docs/ as people follow them: which files to write, which commands to run."""

import re
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"(?:^|\s)in\s+`([\w./-]+)`:\s*$", re.IGNORECASE)
_SHOWN = {"text", "json", "mermaid", "sql", "html", "javascript", "xml"}
"""Blocks that are read only; any other is a file when the line above says ``in `path`:``."""


def commands(page: Path) -> str:
    """A shell script that does what the page says, in its order; empty if it says nothing to do.

    ``sh`` blocks are run. A block after a line that ends with ``in `path`:`` is written to that
    file when the reader gets there, so commands before it must not need it.
    """
    text = page.read_text(encoding="utf-8")
    script = []
    for block in _BLOCK.finditer(text):
        language, body = block.groups()
        named = _FILE.search(text[: block.start()])
        if language == "sh":
            script.append(body)
        elif named:
            script.append(f"mkdir -p $(dirname {named[1]})\ncat > {named[1]} <<'END'\n{body}END\n")
        elif language not in _SHOWN:
            script.append(f": a {language} block of {page.name} that is only shown\n")
    return "\n".join(script) if any("```sh" in line for line in text.splitlines()) else ""
