"""Who owns a product, subsystem or PSM: by declaration, registration or inheritance. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

DECLARED_PREFIX = "/pie/psm/"
"""Under it desired state keeps what people declared of a name."""

OwnersFrom = Literal["declared", "registered", "subsystem", "product", "none"]
"""Whose word the owners are: declared for the name itself, registered by the running service, or
inherited from its subsystem or product."""

OwnersOf = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns one name.

    ``owners`` are those responsible, and shown; ``above`` are the declared owners of its subsystem
    and product, who own everything below and may therefore change it, too.
    """

    owners: list[str]
    owners_from: OwnersFrom
    above: list[str]

    def includes(self, person: str) -> bool:
        """Whether a person may act for the name."""
        return person in self.owners or person in self.above

    @property
    def everybody(self) -> list[str]:
        """All who may act for the name, the nearest first."""
        return list(dict.fromkeys([*self.owners, *self.above]))


def parents(name: str) -> Iterator[str]:
    """The names above one, the nearest first: ``a.b.c`` has ``a.b`` and ``a``."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def ownership(name: str, declared: OwnersOf, registered: OwnersOf) -> Ownership:
    """Who owns a name: those declared for it, else those its running service registered, else those
    of its subsystem, else those of its product.

    Args:
        name: a product, subsystem or PSM.
        declared: the owners that people declared for a name.
        registered: the owners that a service gives for itself.
    """
    above = [(each, list(declared(each))) for each in parents(name)]
    everybody_above = [owner for _, owners in above for owner in owners]
    own = list(declared(name))
    if own:
        return Ownership(own, "declared", everybody_above)
    own = list(registered(name))
    if own:
        return Ownership(own, "registered", everybody_above)
    for parent, owners in above:
        if owners:
            source: OwnersFrom = "subsystem" if "." in parent else "product"
            return Ownership(owners, source, everybody_above)
    return Ownership([], "none", [])
