"""What people declared of a name: its fields, their bounds, and what a change changed. Pure."""

import re

from pie.model import PSM, Failure, Kind
from pie.model.psm import MAX_LENGTH
from pie.platform.pages.psm.views import Declaration, FieldChange, NameKind

MAX_OWNERS = 20
MAX_OWNER = 64
MAX_DESCRIPTION = 1_000
MAX_LINK = 500
MAX_ON_CALL = 200
MAX_REASON = 500
TIERS = (0, 1, 2, 3)

NOTHING = Declaration([], "", "", "", "", None)

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){0,2}")
_LINK = re.compile(r"https?://[^\s<>\"]+", re.ASCII)
_KINDS: tuple[NameKind, ...] = ("product", "subsystem", "psm")
_TEXTS = ("description", "docs", "repository", "on_call")


def kind_of(name: str) -> NameKind:
    """What a name stands for.

    Raises:
        Failure: it is none of ``product``, ``product.subsystem``, ``product.subsystem.module``.
    """
    if len(name) > MAX_LENGTH or not _NAME.fullmatch(name):
        raise Failure(
            Kind.INVALID,
            f"{name[:MAX_LENGTH]!r} is no name of a product, subsystem or PSM: write one to three "
            "parts of a-z, 0-9 and _ with dots between, such as toutiao.article.article",
        )
    return _KINDS[name.count(".")]


def is_psm(name: str) -> bool:
    """Whether calls under this name are those of a PSM."""
    try:
        PSM.parse(name)
    except ValueError:
        return False
    return True


def checked(kind: NameKind, given: Declaration) -> Declaration:
    """The declaration without space around its texts.

    Raises:
        Failure: a field is out of its bounds; the message begins with its name.
    """
    owners = [owner.strip() for owner in given.owners]
    if len(owners) > MAX_OWNERS:
        raise _invalid("owners", f"{len(owners)} are given, {MAX_OWNERS} are the most")
    for index, owner in enumerate(owners):
        if not owner or len(owner) > MAX_OWNER or not owner.isprintable():
            raise _invalid(f"owners[{index}]", f"give 1 to {MAX_OWNER} printable characters")
        if owner in owners[:index]:
            raise _invalid(f"owners[{index}]", f"{owner!r} is given twice")
    result = Declaration(
        owners=owners,
        description=_text("description", given.description, MAX_DESCRIPTION, lines=True),
        docs=_link("docs", given.docs),
        repository=_link("repository", given.repository),
        on_call=_text("on_call", given.on_call, MAX_ON_CALL),
        tier=given.tier,
    )
    if given.tier is not None and given.tier not in TIERS:
        raise _invalid("tier", f"{given.tier} is none of {', '.join(map(str, TIERS))} and null")
    if kind != "psm":
        _refuse_fields_of_psms(kind, result)
    return result


def checked_reason(text: str) -> str:
    """The reason of a change without space around it, empty for none.

    Raises:
        Failure: it is too long or not printable; the message begins with ``reason``.
    """
    return _text("reason", text, MAX_REASON, lines=True)


def changed_fields(old: Declaration, new: Declaration) -> list[FieldChange]:
    """The fields that differ, as text; empty when nothing does."""
    fields = ("owners", *_TEXTS, "tier")
    pairs = ((field, _shown(getattr(old, field)), _shown(getattr(new, field))) for field in fields)
    return [FieldChange(field, before, after) for field, before, after in pairs if before != after]


def _refuse_fields_of_psms(kind: NameKind, given: Declaration) -> None:
    for field in ("docs", "repository", "on_call", "tier"):
        if getattr(given, field) not in ("", None):
            raise _invalid(field, f"a {kind} has only owners and a description")


def _text(field: str, text: str, most: int, *, lines: bool = False) -> str:
    text = text.strip()
    if len(text) > most:
        raise _invalid(field, f"it has {len(text)} characters, {most} are the most")
    shown = text.replace("\n", " ").replace("\t", " ") if lines else text
    if shown and not shown.isprintable():
        raise _invalid(field, "it holds characters that cannot be shown")
    return text


def _link(field: str, text: str) -> str:
    text = _text(field, text, MAX_LINK)
    if text and not _LINK.fullmatch(text):
        raise _invalid(field, "give an address that begins with http:// or https://")
    return text


def _shown(value: list[str] | str | int | None) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def _invalid(field: str, reason: str) -> Failure:
    return Failure(Kind.INVALID, f"{field}: {reason}")
