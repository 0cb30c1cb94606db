"""Desired state: a watched key-value store, and on it the registration and discovery of services.

The engine that owns a file is `pie.state.store.embedded.EmbeddedStore`; a service needs only
this face.
"""

from pie.state.registry.discovery import Directory
from pie.state.registry.instances import (
    Instance,
    Interface,
    RuntimeDescription,
    Service,
    ServiceMeta,
    Setting,
    check_tags,
    instance_key,
    instances_prefix,
    lookup_services,
    meta_key,
    runtime_key,
)
from pie.state.registry.registrar import Registrar
from pie.state.registry.standing import Standing
from pie.state.store.fence import Fenced, FenceLost
from pie.state.store.follow import Follower, Listener
from pie.state.store.interface import (
    Batch,
    Compacted,
    Conflict,
    Denied,
    Entry,
    Event,
    Forbidden,
    Held,
    Invalid,
    Kept,
    LeaseGone,
    LimitExceeded,
    Range,
    Refused,
    Store,
    StoreAway,
    StoreError,
    Watch,
    Write,
)
from pie.state.store.memory import MemoryStore
from pie.state.store.remote import RemoteStore

__all__ = [
    "Batch",
    "Compacted",
    "Conflict",
    "Denied",
    "Directory",
    "Entry",
    "Event",
    "FenceLost",
    "Fenced",
    "Follower",
    "Forbidden",
    "Held",
    "Instance",
    "Interface",
    "Invalid",
    "Kept",
    "LeaseGone",
    "LimitExceeded",
    "Listener",
    "MemoryStore",
    "Range",
    "Refused",
    "Registrar",
    "RemoteStore",
    "RuntimeDescription",
    "Service",
    "ServiceMeta",
    "Setting",
    "Standing",
    "Store",
    "StoreAway",
    "StoreError",
    "Watch",
    "Write",
    "check_tags",
    "instance_key",
    "instances_prefix",
    "lookup_services",
    "meta_key",
    "runtime_key",
]
