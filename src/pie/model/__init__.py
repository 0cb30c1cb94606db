"""The nouns: PSM, logid, Call, Failure and the code space, clock. Imports nothing of Pie."""

from pie.model.addressee import ADDRESSEE, addressee, is_for, misdirected
from pie.model.backoff import Backoff
from pie.model.call import Call, failure_of
from pie.model.clock import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random, SystemClock
from pie.model.context import current_call
from pie.model.endpoint import (
    Endpoint,
    StaticEndpoint,
    address_of,
    host_and_port,
    is_unix,
    known_transports,
    split_transport,
    static_endpoint,
)
from pie.model.failing import (
    BUSINESS_FAILURE,
    counts_as_failure,
    declare_failure_codes,
    declare_idl_codes,
    read_failure_codes,
    read_method_codes,
)
from pie.model.failure import BUSINESS_CODE_MIN, Failure, Kind
from pie.model.foreign import describe_error, is_a, repr_of, text_of, type_name
from pie.model.fork import after_fork, at_child_end, end_forked_child, run_after_fork
from pie.model.logid import (
    FOREIGN_LENGTH,
    LOGID_FORM,
    NO_CHAIN,
    Chain,
    LogidGenerator,
    accept_logid,
    chain_of,
    logid_address,
    logid_time,
    new_span_id,
    normalise_logid,
    trace_id_of,
)
from pie.model.persisted import (
    LANE,
    TRAFFIC,
    TRAFFIC_CLASSES,
    USER,
    TrafficClass,
    stress_tag_of,
    take_persisted,
    take_stress_tag,
)
from pie.model.psm import PSM
from pie.model.resident import Resident

__all__ = [
    "ADDRESSEE",
    "BUSINESS_CODE_MIN",
    "BUSINESS_FAILURE",
    "FOREIGN_LENGTH",
    "LANE",
    "LOGID_FORM",
    "NO_CHAIN",
    "PSM",
    "SYSTEM_CLOCK",
    "SYSTEM_RANDOM",
    "TRAFFIC",
    "TRAFFIC_CLASSES",
    "USER",
    "Backoff",
    "Call",
    "Chain",
    "Clock",
    "Endpoint",
    "Failure",
    "Kind",
    "LogidGenerator",
    "Random",
    "Resident",
    "StaticEndpoint",
    "SystemClock",
    "TrafficClass",
    "accept_logid",
    "address_of",
    "addressee",
    "after_fork",
    "at_child_end",
    "chain_of",
    "counts_as_failure",
    "current_call",
    "declare_failure_codes",
    "declare_idl_codes",
    "describe_error",
    "end_forked_child",
    "failure_of",
    "host_and_port",
    "is_a",
    "is_for",
    "is_unix",
    "known_transports",
    "logid_address",
    "logid_time",
    "misdirected",
    "new_span_id",
    "normalise_logid",
    "read_failure_codes",
    "read_method_codes",
    "repr_of",
    "run_after_fork",
    "split_transport",
    "static_endpoint",
    "stress_tag_of",
    "take_persisted",
    "take_stress_tag",
    "text_of",
    "trace_id_of",
    "type_name",
]
