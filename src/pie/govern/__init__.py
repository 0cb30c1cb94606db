"""Governance: one policy per file, and rules that say what policies are set to.

Gates decide on Calls and do nothing else.
"""

from collections.abc import Mapping
from typing import Final

from pie.govern.balance import Balance, BalanceState
from pie.govern.deadline import (
    DEFAULT_TIMEOUT,
    ClientDeadline,
    ServerDeadline,
    TimeoutRule,
    remaining,
)
from pie.govern.gate import Gate, RuledGate
from pie.govern.rate import Rate, RateRule, RateState
from pie.govern.retry import Retry, RetryRule
from pie.govern.route import Route
from pie.govern.rule import Rule, RuleField, Side, describe
from pie.govern.rules import Key, NoRules, RuleError, RuleSet, RuleSource, Ruling, parse
from pie.govern.scope import Scope, Subject

KINDS: Final[Mapping[str, type[Rule]]] = {
    each.kind: each
    for each in (
        RateRule,
        RetryRule,
    )
}
"""The rules that may be published, by kind."""

__all__ = [
    "DEFAULT_TIMEOUT",
    "KINDS",
    "Balance",
    "BalanceState",
    "ClientDeadline",
    "Gate",
    "Key",
    "NoRules",
    "Rate",
    "RateRule",
    "RateState",
    "Retry",
    "RetryRule",
    "Route",
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
    "Subject",
    "TimeoutRule",
    "describe",
    "parse",
    "remaining",
]
