"""Calls: the owner of policies, the course of a call through gates and attempts, two drivers."""

from pie.call.aio import AsyncDriver
from pie.call.course import Course, Retries
from pie.call.flow import SEND, Flow, flow
from pie.call.gates import GateLock, Gates, Passage
from pie.call.policies import Policies
from pie.call.runtime import NotBootstrapped, Runtime, get_runtime, set_runtime
from pie.call.sync import Driver, OpenCall

__all__ = [
    "SEND",
    "AsyncDriver",
    "Course",
    "Driver",
    "Flow",
    "GateLock",
    "Gates",
    "NotBootstrapped",
    "OpenCall",
    "Passage",
    "Policies",
    "Retries",
    "Runtime",
    "flow",
    "get_runtime",
    "set_runtime",
]
