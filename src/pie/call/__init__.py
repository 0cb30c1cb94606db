"""Calls: the course of a call through gates and attempts, and the two drivers that run it."""

from pie.call.aio import AsyncDriver
from pie.call.flow import SEND, Course, Flow, flow
from pie.call.gates import Gates, Passage
from pie.call.order import ClientPolicy, client_course, server_course
from pie.call.runtime import NotBootstrapped, Runtime, get_runtime, set_runtime
from pie.call.sync import Driver, OpenCall

__all__ = [
    "SEND",
    "AsyncDriver",
    "ClientPolicy",
    "Course",
    "Driver",
    "Flow",
    "Gates",
    "NotBootstrapped",
    "OpenCall",
    "Passage",
    "Runtime",
    "client_course",
    "flow",
    "get_runtime",
    "server_course",
    "set_runtime",
]
