"""The preview of a rule set, by what can be told of its kind."""

from typing import Any

from pie.govern import RuleSet
from pie.platform.ask.asking import Ask
from pie.platform.govern.kinds import PREVIEWS
from pie.platform.govern.known import PastCalls
from pie.platform.govern.preview import RulesPreview, not_predictable, preview_exact
from pie.platform.govern.rate import preview_rate
from pie.platform.govern.replay import World


async def predict(
    ask: Ask,
    past: PastCalls | None,
    draft: RuleSet[Any],
    now: RuleSet[Any] | None,
    world: World,
) -> RulesPreview:
    """What a draft would have done to past calls.

    Args:
        ask: the store of facts.
        past: the calls of the last days; None = they cannot be read now.
        draft: the rules that are to be published.
        now: the rules in force; None = there are none.
        world: what decisions depend on beside the calls.
    """
    kind = draft.kind.kind
    can = PREVIEWS.get(kind, "no")
    if can == "no":
        return not_predictable(kind)
    if past is None:
        return RulesPreview(
            can,
            "the store of calls does not answer, so nothing can be said of past calls: "
            "try again in a minute, or publish with dry_run",
        )
    if can == "exact":
        return await preview_exact(ask, past, draft, now, world)
    return await preview_rate(ask, past, draft, now)
