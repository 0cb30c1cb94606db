"""IDL text to tokens. Comments are kept beside the tokens they belong to."""

import inspect
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from pie.thrift.errors import IdlError, Position, shown

TokenKind = Literal["name", "int", "float", "string", "symbol", "end"]

HEADERS = frozenset({"namespace", "include", "cpp_include"})
"""What a file begins with."""

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\f\v\ufeff]+)
    | (?P<newline>\n)
    | (?P<block>/\*.*?\*/)
    | (?P<line>(?://|\#)[^\r\n]*)
    | (?P<float>[+-]?(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+))
    | (?P<int>[+-]?(?:0[xX][0-9a-fA-F]+|0o[0-7]+|\d+))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    | (?P<symbol>[{}()<>\[\],;:=*&])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """A token with the comment above it (``doc``) and the one after it on its line.

    The text of a string is what stands between its quotes, escapes as written.
    """

    kind: TokenKind
    text: str
    position: Position
    doc: str
    trailing: str


_LEGAL = re.compile(r"licen[cs]e|copyright", re.IGNORECASE)


class _Raw(NamedTuple):
    kind: str
    text: str
    position: Position


def tokenize(text: str, path: str) -> list[Token]:
    """All tokens of a file, an ``end`` token last.

    Raises:
        IdlError: a character that begins no token, or a comment or string without its end.
    """
    tokens: list[Token] = []
    above: list[tuple[int, int, str]] = []  # first line, last line, text
    last_line = 0  # of the last token
    for raw in _scan(text, path):
        line = raw.position.line
        if raw.kind in ("block", "line"):
            comment = _comment_text(raw)
            if line == last_line and tokens:
                tokens[-1] = tokens[-1]._replace(trailing=comment)
            else:
                above.append((line, line + raw.text.count("\n"), comment))
            continue
        # What stands before the headers is about the file, empty lines or not.
        about_file = not tokens and raw.text in HEADERS
        doc = _file_doc(above) if about_file else _doc(above, line)
        tokens.append(Token(*_value(raw), raw.position, doc, ""))
        above.clear()
        last_line = line
    return tokens


def _scan(text: str, path: str) -> Iterator[_Raw]:
    at, line, line_start = 0, 1, 0
    while at < len(text):
        position = Position(path, line, at - line_start + 1)
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _unreadable(text, at, position)
        kind = match.lastgroup
        if kind not in ("space", "newline"):
            yield _Raw(kind, match.group(), position)
        newlines = match.group().count("\n")
        if newlines:
            line += newlines
            line_start = at + match.group().rfind("\n") + 1
        at = match.end()
    yield _Raw("end", "", Position(path, line, at - line_start + 1))


def _unreadable(text: str, at: int, position: Position) -> IdlError:
    if text.startswith("/*", at):
        return IdlError(position, "comment without an end", "close it with */")
    if text[at] in "\"'":
        return IdlError(
            position, "string without an end", f"close it with {text[at]} on the same line"
        )
    hint = "remove it, or put it into quotes"
    if text[at] == "@":
        hint = 'annotations follow what they are about: (name = "value")'
    return IdlError(position, f"unexpected character {shown(text[at])}", hint)


def _value(raw: _Raw) -> tuple[TokenKind, str]:
    if raw.kind == "string":
        return "string", raw.text[1:-1]
    kinds: dict[str, TokenKind] = {
        "name": "name",
        "int": "int",
        "float": "float",
        "symbol": "symbol",
        "end": "end",
    }
    return kinds[raw.kind], raw.text


def _comment_text(raw: _Raw) -> str:
    if raw.kind == "line":
        return raw.text.lstrip("/#").strip()
    body = raw.text[2:-2].strip("*")
    first, *below = [line.strip() for line in body.split("\n")]
    if not all(line.startswith("*") for line in below if line):
        return inspect.cleandoc(body).strip()
    return "\n".join([first, *(line[1:].removeprefix(" ") for line in below)]).strip()


def _doc(above: list[tuple[int, int, str]], line: int) -> str:
    """The comments that stand right above a line, with no empty line between."""
    lines: list[str] = []
    for first, last, text in reversed(above):
        if last + 1 < line:
            break
        lines.insert(0, text)
        line = first
    return "\n".join(lines)


def _file_doc(above: list[tuple[int, int, str]]) -> str:
    """All comments at the head of a file, but those about its licence: that of the IDL is not
    that of what is generated, and readers look for what the file is about. Lines like
    ``#@namespace`` are for other compilers."""
    paragraphs: list[list[str]] = []
    following = 0
    for first, last, text in above:
        if first > following or not paragraphs:
            paragraphs.append([])
        if not text.startswith("@namespace"):
            paragraphs[-1].append(text)
        following = last + 1
    texts = ["\n".join(lines).strip() for lines in paragraphs]
    return "\n\n".join(text for text in texts if text and not _LEGAL.search(text))
