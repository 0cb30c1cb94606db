"""Tails the log directory and ships what it finds to the platform, at least once."""

from pie.agent.options import AgentError, AgentOptions
from pie.agent.run import Agent, run_agent
from pie.agent.status import AgentStatus, TableStatus, read_status

__all__ = [
    "Agent",
    "AgentError",
    "AgentOptions",
    "AgentStatus",
    "TableStatus",
    "read_status",
    "run_agent",
]
