"""How the store cuts a text into words, told once more in Python. Pure.

The twin of the tokenizer and preprocessor of the text indexes (``facts.schema``).
"""

import re

_WORD = re.compile(r"[0-9a-z]+|[^\x00-\x7f]")


def words_of(text: str) -> list[str]:
    """The words in their order: ASCII letters and digits together, any other character alone."""
    return _WORD.findall(text.lower())


def whole_words_of(part: str) -> list[str]:
    """Words that every text has in which this part stands: its first and last one may be cut.

    None where a letter beyond ASCII has two cases: how the store folds it is its own affair.
    """
    lowered = part.lower()
    if any(not char.isascii() and char.lower() != char.upper() for char in part):
        return []
    return [
        match[0]
        for match in _WORD.finditer(lowered)
        if not match[0].isascii() or (match.start() > 0 and match.end() < len(lowered))
    ]


def in_a_row(wanted: list[str], words: list[str], *, prefix: bool = False) -> bool:
    """Whether the words stand next to each other; with ``prefix`` the last one may go on."""
    count = len(wanted)
    if not prefix:
        return any(words[at : at + count] == wanted for at in range(len(words) - count + 1))
    *first, last = wanted
    return any(
        words[at : at + count - 1] == first and words[at + count - 1].startswith(last)
        for at in range(len(words) - count + 1)
    )
