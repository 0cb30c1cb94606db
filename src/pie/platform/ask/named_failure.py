"""Failures that pages say in the reader's language: the platform names the reason, the page has the
words."""

from pie.model import Failure, Kind


class NamedFailure(Failure):
    """A failure with a reason that has a name.

    Args:
        kind: as of ``Failure``.
        message: in English, for programs and terminals.
        reason: its name, e.g. ``not_owner``; `ui/src/i18n/failures.zh.ts` has a text for each.
        code: as of ``Failure``.
        parts: what is different each time: names and numbers, by name.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        reason: str,
        /,
        *,
        code: int | None = None,
        **parts: object,
    ) -> None:
        super().__init__(kind, message, code=code)
        self.reason = reason
        self.parts = {name: str(each) for name, each in parts.items()}
