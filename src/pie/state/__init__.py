"""Desired state: a watched key-value store, and on it the registration and discovery of services.

The engine that owns a file is `pie.state.embedded.EmbeddedStore`; a service needs only this face.
"""

from pie.state.discovery import Directory
from pie.state.follow import Follower, Listener
from pie.state.memory import MemoryStore
from pie.state.registrar import Registrar
from pie.state.registry import (
    Instance,
    Interface,
    RuntimeFacts,
    Service,
    ServiceMeta,
    Setting,
    instance_key,
    instances_prefix,
    lookup_services,
    meta_key,
    runtime_key,
)
from pie.state.remote import RemoteStore
from pie.state.standing import Standing
from pie.state.store import (
    Batch,
    Compacted,
    Conflict,
    Denied,
    Entry,
    Event,
    Invalid,
    Kept,
    LeaseGone,
    LimitExceeded,
    Range,
    Store,
    StoreAway,
    StoreError,
    Watch,
)

__all__ = [
    "Batch",
    "Compacted",
    "Conflict",
    "Denied",
    "Directory",
    "Entry",
    "Event",
    "Follower",
    "Instance",
    "Interface",
    "Invalid",
    "Kept",
    "LeaseGone",
    "LimitExceeded",
    "Listener",
    "MemoryStore",
    "Range",
    "Registrar",
    "RemoteStore",
    "RuntimeFacts",
    "Service",
    "ServiceMeta",
    "Setting",
    "Standing",
    "Store",
    "StoreAway",
    "StoreError",
    "Watch",
    "instance_key",
    "instances_prefix",
    "lookup_services",
    "meta_key",
    "runtime_key",
]
