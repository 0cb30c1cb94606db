"""From records of people to answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pie.platform.pages.admin.views import PeopleList, PersonRow, PersonToken
from pie.platform.server.identity.record import PersonalToken, PersonRecord, key_of

Uses = Mapping[str, Mapping[str, int]]
"""Hours of last uses by the id of the token, by the person's key."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, and when (Unix seconds)."""

    name: str
    admin: bool
    now: float

    def may_see_tokens_of(self, person: str) -> bool:
        """Whether a person's tokens are shown to them."""
        return self.admin or person == self.name


def build_people(
    people: Sequence[PersonRecord], uses: Uses, looker: Looker, q: str, limit: int
) -> PeopleList:
    """The people whose name has ``q`` in it."""
    wanted = [each for each in people if q.lower() in each.name.lower()]
    return PeopleList(
        now=looker.now,
        user=looker.name,
        admin=looker.admin,
        known=any(each.name == looker.name for each in people),
        total=len(people),
        admins=sum(each.admin and not each.disabled for each in people),
        people=[build_person(each, uses, looker) for each in wanted[:limit]],
        more=len(wanted) > limit,
    )


def build_person(person: PersonRecord, uses: Uses, looker: Looker) -> PersonRow:
    """One person."""
    used = uses.get(key_of(person.name), {})
    tokens = [build_token(each, used, looker.now) for each in person.tokens]
    return PersonRow(
        name=person.name,
        admin=person.admin,
        disabled=person.disabled,
        created=person.created,
        created_by=person.created_by,
        used=max((each.used for each in tokens), default=0.0),
        tokens=tokens if looker.may_see_tokens_of(person.name) else None,
    )


def build_token(token: PersonalToken, used: Mapping[str, int], now: float) -> PersonToken:
    """One token."""
    return PersonToken(
        id=token.id,
        note=token.note,
        created=token.created,
        expires=token.expires,
        expired=token.is_expired(now),
        used=float(used.get(token.id, 0)),
    )
