"""The answers about people. Times are Unix seconds, 0 for what never was or will be."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


@dataclass(slots=True)
class PersonToken:
    """One token, without its text. ``used`` is the hour of its last use."""

    id: str
    note: str
    created: float
    expires: float
    expired: bool
    used: float


@dataclass(slots=True)
class PersonRow:
    """One person. ``tokens`` is null for who may not see them: they are shown to the person and to
    admins. ``used`` is the hour in which any of them was used last."""

    name: str
    admin: bool
    disabled: float
    created: float
    created_by: str
    used: float
    tokens: list[PersonToken] | None


@dataclass(slots=True)
class PeopleList:
    """People by name. ``user`` is who asks, ``admin`` whether they may change others.

    ``known``: ``user`` is one of the people; the bearer of admin.token may not be. ``more`` people
    fit the filter than are listed; ``admins`` are those who are not disabled.
    """

    now: float
    user: str
    admin: bool
    known: bool
    total: int
    admins: int
    people: list[PersonRow]
    more: bool


@dataclass(slots=True)
class PersonPost:
    """A new person. Their name is the one that owners of services are named by."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    admin: bool = False
    reason: str = ""


@dataclass(slots=True)
class PersonPut:
    """A change of a person; null leaves as it is."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    admin: bool | None = None
    disabled: bool | None = None
    reason: str = ""


@dataclass(slots=True)
class TokenPost:
    """A new token: for how many days (0: it does not expire), and what for."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    days: int = 90
    note: str = ""
    reason: str = ""


@dataclass(slots=True)
class NewToken:
    """A token that was just made. ``text`` is shown this once: the platform keeps its hash only."""

    text: str
    token: PersonToken
    person: PersonRow
