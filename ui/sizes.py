"""What a browser downloads: for the first page, and for each page that is opened afterwards.

The first load is what somebody fetches who opens the home page: index.html, the icon, the entry's
script and style, and the script and style of the home page. All sizes are bytes under gzip.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = "home"
ENTRY = "src/main.tsx"

Outputs = dict[str, dict[str, Any]]
"""The files that esbuild made, by their paths, as its metafile describes them."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of the first load, and what each other page adds to it; every file by its name."""

    first: int
    pages: dict[str, int]
    files: dict[str, int]


def measure(static: Path, outputs: Outputs, styles: dict[str, str], pages: list[str]) -> Sizes:
    """The sizes of a build in `static`; `styles` names the style sheet of each page that has one.

    A chunk that several pages share counts for each of them, unless the first load has it.
    """
    files = {
        str(path.relative_to(static)): len(gzip.compress(path.read_bytes(), 9, mtime=0))
        for path in sorted(static.rglob("*"))
        if path.is_file()
    }
    first = (
        {"index.html", "assets/icon.svg"} | _needed(outputs, ENTRY) | _page(outputs, styles, HOME)
    )
    added = {
        name: sum(files[file] for file in _page(outputs, styles, name) - first)
        for name in pages
        if name != HOME
    }
    return Sizes(sum(files[file] for file in first), added, files)


def _page(outputs: Outputs, styles: dict[str, str], name: str) -> set[str]:
    """The files that showing a page needs."""
    style = {f"assets/{styles[name]}"} if name in styles else set()
    return _needed(outputs, f"src/pages/{name}/screen.tsx") | style


def _needed(outputs: Outputs, entry: str) -> set[str]:
    """The script of an entry, what it imports at once, and its style; not what it fetches later."""
    path = next(path for path, output in outputs.items() if output.get("entryPoint") == entry)
    found: set[str] = set()
    waiting = [path]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if style := outputs[path].get("cssBundle"):
            found.add(style)
        imports = outputs[path].get("imports", ())
        waiting += [each["path"] for each in imports if each["kind"] == "import-statement"]
    return {f"assets/{Path(path).name}" for path in found}
