"""Governance: one policy per file, and rules that say what policies are set to.

Gates decide on Calls and do nothing else.
"""

from collections.abc import Mapping
from typing import Final

from pie.govern.access import Access, AccessList, AccessRule, AccessState
from pie.govern.balance import Balance, BalanceRule, BalanceState
from pie.govern.deadline import ClientDeadline, ServerDeadline, remaining
from pie.govern.degrade import Degradation, Degrade, DegradeRule, DegradeState
from pie.govern.drain import DrainRule
from pie.govern.fields import Form, RuleField, describe
from pie.govern.gate import Gate, RuledGate
from pie.govern.rate import Rate, RateRule, RateState
from pie.govern.reading import parse, problems, read_rules
from pie.govern.retry import Retry, RetryRule
from pie.govern.route import Route, RouteRule, outcomes
from pie.govern.rule import SIDES, DryRun, Rule, Side
from pie.govern.rules import MAX_RULES, Key, NoRules, RuleError, RuleSet, RuleSource, Ruling
from pie.govern.scope import NONE, Scope, Subject
from pie.govern.stress import Stress, StressRule
from pie.govern.timeout import DEFAULT_TIMEOUT, LimitsRule, TimeoutRule
from pie.govern.verdicts import VERDICTS, Verdict, VerdictCount, Verdicts

KINDS: Final[Mapping[str, type[Rule]]] = {
    each.kind: each
    for each in (
        AccessRule,
        StressRule,
        TimeoutRule,
        LimitsRule,
        DegradeRule,
        RateRule,
        RetryRule,
        RouteRule,
        DrainRule,
        BalanceRule,
    )
}
"""The rules that may be published, by kind; in the order in which a call meets their policies."""

__all__ = [
    "DEFAULT_TIMEOUT",
    "KINDS",
    "MAX_RULES",
    "NONE",
    "SIDES",
    "VERDICTS",
    "Access",
    "AccessList",
    "AccessRule",
    "AccessState",
    "Balance",
    "BalanceRule",
    "BalanceState",
    "ClientDeadline",
    "Degradation",
    "Degrade",
    "DegradeRule",
    "DegradeState",
    "DrainRule",
    "DryRun",
    "Form",
    "Gate",
    "Key",
    "LimitsRule",
    "NoRules",
    "Rate",
    "RateRule",
    "RateState",
    "Retry",
    "RetryRule",
    "Route",
    "RouteRule",
    "Rule",
    "RuleError",
    "RuleField",
    "RuleSet",
    "RuleSource",
    "RuledGate",
    "Ruling",
    "Scope",
    "ServerDeadline",
    "Side",
    "Stress",
    "StressRule",
    "Subject",
    "TimeoutRule",
    "Verdict",
    "VerdictCount",
    "Verdicts",
    "describe",
    "outcomes",
    "parse",
    "problems",
    "read_rules",
    "remaining",
]
