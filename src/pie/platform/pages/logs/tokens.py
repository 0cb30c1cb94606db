"""Beginnings of words, looked up in the words that the store has.

``timeou*`` is a word that is one of some hundred: the index knows these in the order of the
alphabet, and which lines have one of them. Only a beginning of very many words is read for.
"""

from dataclasses import replace

import msgspec

from pie.model import Failure, Kind
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.ask.query.tree import And, Node, Not, Or, Words
from pie.platform.ask.query.words import words_of
from pie.platform.pages.logs.filters import LogFilter

MOST = 1000
"""Words of one beginning that are looked up; more of them are read for."""

_INDEXES = {"message": "i_words", "stack": "i_stack_words"}
# Lines of an older store of which the index is still being built have words that it does not know.
_UNFINISHED = (
    "SELECT '' AS beginning, '' AS field, '' AS token FROM system.mutations "
    "WHERE database = currentDatabase() AND table = 'logs' AND NOT is_done LIMIT 1"
)


class _Token(msgspec.Struct):
    beginning: str
    field: str
    token: str


async def with_tokens(ask: Ask, wanted: LogFilter) -> LogFilter:
    """The filter with the words that each beginning in it stands for.

    They are those of the lines stored until now: not for a question about lines to come.
    """
    beginnings = sorted(_beginnings(wanted.node))
    if not beginnings:
        return wanted
    params = Params()
    questions = [_UNFINISHED]
    for beginning in beginnings:
        text = params.text(beginning)
        questions += [
            f"SELECT DISTINCT {text} AS beginning, '{field}' AS field, token "
            f"FROM mergeTreeTextIndex(currentDatabase(), 'logs', '{index}') "
            f"WHERE startsWith(token, {text}) LIMIT {MOST + 1}"
            for field, index in _INDEXES.items()
        ]
    union = " UNION ALL ".join(f"({question})" for question in questions)
    try:
        rows = decode(await ask(union, params.values), _Token)
    except Failure as failure:
        if failure.kind in (Kind.UNAVAILABLE, Kind.EXHAUSTED):
            raise
        return wanted  # a store that does not tell its words, such as a cluster, reads its lines
    tokens: dict[tuple[str, str], list[str]] = {
        (beginning, field): [] for beginning in beginnings for field in _INDEXES
    }
    for row in rows:
        if not row.beginning:
            return wanted
        tokens[row.beginning, row.field].append(row.token)
    known = {key: tuple(found) for key, found in tokens.items() if len(found) <= MOST}
    return replace(wanted, node=_known(wanted.node, known))


def _beginnings(node: Node) -> set[str]:
    match node:
        case And(parts) | Or(parts):
            return set().union(*map(_beginnings, parts))
        case Not(part):
            return _beginnings(part)
        case Words(text, _, True):
            last = words_of(text)[-1:]
            return {word for word in last if word.isascii()}
        case _:
            return set()


def _known(node: Node, tokens: dict[tuple[str, str], tuple[str, ...]]) -> Node:
    match node:
        case And(parts) | Or(parts):
            return replace(node, parts=tuple(_known(part, tokens) for part in parts))
        case Not(part):
            return replace(node, part=_known(part, tokens))
        case Words(text, _, True):
            last = "".join(words_of(text)[-1:])
            begun = {field: tokens[last, field] for field in _INDEXES if (last, field) in tokens}
            return replace(node, begun=begun)
        case _:
            return node
