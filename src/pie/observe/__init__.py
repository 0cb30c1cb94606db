"""Observation: what a process does becomes lines and facts in files."""

from pie.observe.budget import Budget
from pie.observe.handler import Console
from pie.observe.identity import Identity, host_address
from pie.observe.observer import Observer
from pie.observe.record import Record
from pie.observe.recorder import Recorder
from pie.observe.trace import ClientTrace, ServerTrace

__all__ = [
    "Budget",
    "ClientTrace",
    "Console",
    "Identity",
    "Observer",
    "Record",
    "Recorder",
    "ServerTrace",
    "host_address",
]
