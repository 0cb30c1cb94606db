"""Governance: one gate per file. Gates decide on Calls and do nothing else."""

from pie.govern.balance import Balance
from pie.govern.deadline import DEFAULT_TIMEOUT, ClientDeadline, ServerDeadline, remaining
from pie.govern.gate import Gate
from pie.govern.retry import Retry
from pie.govern.route import Route

__all__ = [
    "DEFAULT_TIMEOUT",
    "Balance",
    "ClientDeadline",
    "Gate",
    "Retry",
    "Route",
    "ServerDeadline",
    "remaining",
]
