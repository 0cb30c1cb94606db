"""Observation: what a process does becomes lines and facts in files."""

from pie.observe.identity import Identity, host_address
from pie.observe.log.handler import Console
from pie.observe.log.seldom import Seldom, report_left_out
from pie.observe.log.takeover import is_echo
from pie.observe.observer import Observer
from pie.observe.record.budget import Budget
from pie.observe.record.gate import Record
from pie.observe.record.recorder import Recorder
from pie.observe.record.rules import InForce
from pie.observe.trace import ClientTrace, ServerTrace

__all__ = [
    "Budget",
    "ClientTrace",
    "Console",
    "Identity",
    "InForce",
    "Observer",
    "Record",
    "Recorder",
    "Seldom",
    "ServerTrace",
    "host_address",
    "is_echo",
    "report_left_out",
]
