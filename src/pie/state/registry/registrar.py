"""Keeps one instance registered while it lives, whatever becomes of the store."""

import logging
import threading
from typing import Literal

from pie.model import SYSTEM_RANDOM, Backoff, Random, Resident
from pie.state.registry.instances import (
    Instance,
    RuntimeDescription,
    ServiceMeta,
    encode,
    instance_key,
    meta_key,
    runtime_key,
)
from pie.state.store.interface import Invalid, LimitExceeded, Store, StoreError

_log = logging.getLogger("pie.state")

State = Literal["new", "registered", "away", "stopped"]
KEEP_ALIVES_PER_TTL = 3
_Entries = tuple[Instance, ServiceMeta | None, RuntimeDescription | None]


class Registrar:
    """Registers an instance from a thread of its own; the service neither waits for it nor
    learns of its troubles except by one log line when they begin and one when they end.

    Belongs to the process that owns the instance (the master): start it after the last fork that
    precedes serving. A forked child's copy does nothing.

    Args:
        store: that holds the registry.
        instance: to register.
        meta: describes the whole service, if this instance knows it.
        description: of the process of this instance.
        ttl: seconds after which a killed instance disappears.
        random: the jitter of retries.
    """

    def __init__(
        self,
        store: Store,
        instance: Instance,
        meta: ServiceMeta | None = None,
        description: RuntimeDescription | None = None,
        *,
        ttl: float = 10.0,
        random: Random = SYSTEM_RANDOM,
    ) -> None:
        self._store = store
        self._instance = instance
        self._meta = meta
        self._description = description
        self._ttl = ttl
        self._lock = threading.Lock()
        self._registered = threading.Event()
        self._deregister = True
        self._lease = 0
        self._written: _Entries | None = None
        self._state: State = "new"
        self._was_registered = False
        self._thread = Resident(
            "pie-registrar",
            self._step,
            _log,
            backoff=Backoff(longest=min(5.0, ttl / 2), random=random),
            trouble=self._trouble,
            finish=self._end,
        )

    @property
    def state(self) -> State:
        """``away``: not registered as far as is known, and trying."""
        return self._state

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread.ident is not None:
            raise RuntimeError(f"the registrar of {self._instance.psm} was started before")
        self._thread.start()

    def wait_registered(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the registration; whether it stands."""
        return self._registered.wait(timeout)

    def update(
        self,
        instance: Instance | None = None,
        meta: ServiceMeta | None = None,
        description: RuntimeDescription | None = None,
    ) -> None:
        """Replace what the same instance registers; written as soon as the store takes it.

        Raises:
            ValueError: it is another instance.
        """
        if instance is not None and instance_key(instance) != instance_key(self._instance):
            raise ValueError(
                f"{instance_key(instance)} is not {instance_key(self._instance)}: stop this "
                "registrar and start one for the other instance"
            )
        with self._lock:
            self._instance = instance or self._instance
            self._meta = meta or self._meta
            self._description = description or self._description
        self._thread.wake()

    def stop(self, *, deregister: bool = True, timeout: float = 2.0) -> None:
        """End, at most ``timeout`` seconds from now; the lease's end deregisters what is left.

        Args:
            deregister: False leaves the registration to a successor with the same id, which has
                one TTL to take it over.
        """
        self._deregister = deregister
        self._thread.stop(timeout)

    def _step(self) -> float:
        """Write what the store does not hold yet; raises `StoreError`."""
        if self._lease and self._lease in self._store.keep_alive([self._lease]).missing:
            self._lease = 0
            self._state = "away"
            self._registered.clear()
        if not self._lease:
            self._lease = self._store.grant(self._ttl)
            self._written = None
        with self._lock:
            wanted = self._instance, self._meta, self._description
        if wanted != self._written:
            self._write(*wanted)
            self._written = wanted
        self._settled()
        return self._ttl / KEEP_ALIVES_PER_TTL

    def _write(
        self, instance: Instance, meta: ServiceMeta | None, description: RuntimeDescription | None
    ) -> None:
        self._store.put(instance_key(instance), encode(instance), lease=self._lease)
        if description is not None:
            self._describe(runtime_key(description), encode(description))
        if meta is None:
            return
        key, value = meta_key(meta.psm), encode(meta)
        try:
            # Every instance has the same meta: only the first needs to write it.
            known = self._store.get(key)
            if known is None or known.value != value:
                self._store.put(key, value)
        except (Invalid, LimitExceeded) as error:
            _log.warning("%s is registered without its description: %s", meta.psm, error)

    def _describe(self, key: str, value: str) -> None:
        try:
            self._store.put(key, value, lease=self._lease)
        except (Invalid, LimitExceeded) as error:
            _log.warning("%s is registered without its run-time description: %s", key, error)

    def _settled(self) -> None:
        if self._state == "registered":
            return
        self._state = "registered"
        self._registered.set()
        again = " again" if self._was_registered else ""
        self._was_registered = True
        _log.info("registered%s: %s at %s", again, self._instance.psm, self._instance.address)

    def _trouble(self, error: BaseException) -> None:
        if self._state == "away":
            return
        self._state = "away"
        self._registered.clear()
        _log.warning(
            "%s is not registered, serving all the same and trying on: %s",
            self._instance.psm,
            error if isinstance(error, StoreError) else repr(error),
            exc_info=None if isinstance(error, StoreError) else error,
        )

    def _end(self) -> None:
        self._state = "stopped"
        self._registered.clear()
        if not self._lease or not self._deregister:
            return
        try:
            self._store.revoke(self._lease)
        except Exception as error:
            _log.warning(
                "%s could not deregister; its lease ends in %g s: %s",
                self._instance.psm,
                self._ttl,
                error,
            )
        else:
            _log.info("deregistered: %s at %s", self._instance.psm, self._instance.address)
