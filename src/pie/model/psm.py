"""PSM, ``product.subsystem.module``: the one name of a service."""

import re
from typing import NamedTuple

MAX_LENGTH = 200
_PATTERN = re.compile(r"([a-z0-9_]+)\.([a-z0-9_]+)\.([a-z0-9_]+)")


class PSM(NamedTuple):
    """The three parts of a service name; ``str(psm)`` is the dotted form."""

    product: str
    subsystem: str
    module: str

    @classmethod
    def parse(cls, text: str) -> "PSM":
        """Read ``product.subsystem.module``.

        Raises:
            ValueError: the text is not three parts of ``[a-z0-9_]+``.
        """
        match = _PATTERN.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if match is None:
            raise ValueError(
                f"{text[:MAX_LENGTH]!r} is not a PSM: write product.subsystem.module, "
                "each part of a-z, 0-9 and _ (for example toutiao.article.article)"
            )
        return cls(*match.groups())

    def __str__(self) -> str:
        return f"{self.product}.{self.subsystem}.{self.module}"
