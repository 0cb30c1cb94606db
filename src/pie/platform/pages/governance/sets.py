"""Rule sets as the page's routes get them: from the store, the registry and the facts."""

import asyncio
import time
from functools import partial

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from pie.govern import Key
from pie.platform.ask.asking import unless_away
from pie.platform.ask.coverage import covered
from pie.platform.ask.span import Span
from pie.platform.govern.check import made_if_any
from pie.platform.govern.effect import effect_slots, verdict_rows
from pie.platform.govern.in_force import reports
from pie.platform.govern.kinds import rule_type, side_of
from pie.platform.govern.replay import World
from pie.platform.pages.governance.build import Facts
from pie.platform.server.deps import Deps
from pie.platform.server.editing import editing
from pie.platform.server.people import ownership_of, person_of
from pie.state.registry.instances import PREFIX
from pie.state.rules.book import RuleBook
from pie.state.rules.document import key_of


def key_for(psm: str, side: str, kind: str) -> Key:
    """The rule set of a path; a side ``-`` is the first that the kind has.

    Raises:
        Failure: there can be no such rule set.
    """
    found = rule_type(kind)
    return Key(kind, psm, side_of(found, "" if side == "-" else side))


def book_of(deps: Deps) -> RuleBook:
    """Where rules are published."""
    return RuleBook(deps.store)


def published(deps: Deps) -> list[Key]:
    """Every rule set of the fleet that is published; blocks."""
    found = (key_of(entry.key) for entry in deps.store.range(PREFIX).entries)
    return [key for key in found if key is not None]


async def facts_of(deps: Deps, psm: str, span: Span, key: Key | None = None) -> Facts:
    """What is known of the rules in force of a service, with the verdicts of a span."""
    slots = effect_slots(span)
    registry, rolling, found, verdicts, known = await asyncio.gather(
        editing(deps.registry),
        editing(lambda: book_of(deps).rolling(psm)),
        unless_away(reports(deps.facts.query, psm, time.time())),
        unless_away(verdict_rows(deps.facts.query, psm, slots, key)),
        unless_away(covered(deps.facts.query, slots)),
    )
    return Facts(registry, found, verdicts, slots, known, rolling)


async def world_of(deps: Deps, psm: str, now: float) -> World:
    """What routes of the calls of a service depend on: its instances, and the drains and weights in
    force."""
    registry = await editing(deps.registry)
    service = registry.get(psm)
    kinds = ("drain", "balance")
    drain, balance = [
        made_if_any(await editing(partial(book_of(deps).get, Key(kind, psm, "callers"))))
        for kind in kinds
    ]
    return World(service.instances if service is not None else (), drain, balance, now)


async def standing(deps: Deps, request: Request, psm: str) -> tuple[list[str], bool]:
    """The owners of a service, and whether who asks may publish for it."""
    person = person_of(request)
    found = await run_in_threadpool(ownership_of, deps.store, psm)
    return found.owners, person.admin or found.includes(person.name)
