"""``pie rules edit``: the rules in an editor, checked and shown before they are published.

The text is in a file until it is published, so that nothing typed is lost: neither by a mistake,
nor because somebody else was faster, nor because the platform is away.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import click

from pie.tool.rules import publish as steps
from pie.tool.rules.view import show_problems
from pie.tool.terminal.api import Api, ApiError
from pie.tool.terminal.table import BAD, DIM
from pie.tool.terminal.text import note

_MARK = "#! "
"""Begins the lines that say what is wrong, above the text; they are taken away again."""


class Editing:
    """One rule set being edited.

    Args:
        api: of the platform.
        path: of the rule set in it.
        psm: of the service.
        kind: of the rules.
        file: with the text of an earlier try; None = the rules as they are.
    """

    def __init__(self, api: Api, path: str, psm: str, kind: str, file: Path | None) -> None:
        self._api = api
        self._path = path
        self._name = f"{psm} {kind}"
        self._original = ""
        if file is None:
            self._original = str(api.get(path)["editor"])
            descriptor, name = tempfile.mkstemp(".yaml", f"pie-{psm}-{kind}-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(self._original)
            file = Path(name)
        self.file = file

    def run(self, comment: str, *, now: bool, sure: bool, wait: float) -> None:
        """Edit until it is published or given up.

        Raises:
            Unpublished: it is not published; the message says where the text is.
        """
        while True:
            self._open()
            text = self._text()
            if text == self._original or not text.strip():
                self.file.unlink(missing_ok=True)
                note("nothing was changed", DIM)
                return
            found = self._checked(text)
            if found["errors"] or found["clash"]:
                if self._again(found):
                    continue
                raise steps.Unpublished(self._kept("there are errors" if found["errors"] else ""))
            if not found["diff"]["lines"]:
                self.file.unlink(missing_ok=True)
                note("the rules are the same: nothing to publish", DIM)
                return
            agreed = steps.ask_comment(found, comment, sure=sure)
            if agreed is None:
                if click.confirm("Edit again?", default=True):
                    continue
                raise steps.Unpublished(self._kept("nothing was published"))
            self._publish(text, found, agreed, now=now, wait=wait)
            return

    def _open(self) -> None:
        try:
            click.edit(filename=str(self.file))
        except click.ClickException as error:
            raise steps.Unpublished(
                self._kept(f"{error.message}: set $EDITOR to an editor that is installed")
            ) from None

    def _text(self) -> str:
        try:
            text = self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise steps.Unpublished(f"{self.file} cannot be read: {error}") from None
        clean = "".join(line for line in text.splitlines(True) if not line.startswith(_MARK))
        if clean != text:
            self.file.write_text(clean, encoding="utf-8")
        return clean

    def _checked(self, text: str) -> dict[str, Any]:
        try:
            found = steps.check(self._api, self._path, {"yaml": text})
        except ApiError as error:
            raise steps.Unpublished(self._kept(error.message)) from None
        steps.show(found, text)
        return found

    def _again(self, found: dict[str, Any]) -> bool:
        """Whether the person edits again; what is wrong stands above the text then."""
        if not steps.is_interactive() or not click.confirm("Edit again?", default=True):
            return False
        marks = [line.strip() for line in show_problems(found["errors"], "line", BAD)]
        if found["clash"]:
            clash = found["clash"]
            marks.append(
                f"{clash['author']} published v{clash['version']} meanwhile: change `version:` to "
                f"{clash['version']} when you have compared"
            )
        plain = "".join(f"{_MARK}{click.unstyle(mark)}\n" for mark in marks)
        text = self.file.read_text(encoding="utf-8")
        self.file.write_text(plain + text, encoding="utf-8")
        return True

    def _publish(
        self, text: str, found: dict[str, Any], comment: str, *, now: bool, wait: float
    ) -> None:
        given = {"yaml": text, "seen": found["seen"]}
        try:
            answer = steps.publish(self._api, self._path, given, comment, now=now)
        except ApiError as error:
            if error.status == 409:
                raise steps.explain_conflict(error, self._kept("")) from None
            raise steps.Unpublished(self._kept(error.message)) from None
        with contextlib.suppress(OSError):
            self.file.unlink()
        steps.say_published(answer)
        if wait:
            steps.wait_in_force(self._api, self._path, wait)

    def _kept(self, why: str) -> str:
        head = f"{why}\n" if why else ""
        return (
            f"{head}your text is in {self.file}: go on with "
            f"`pie rules edit {self._name} --file {self.file}`"
        )
