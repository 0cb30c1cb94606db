"""Keeps one instance registered while it lives, whatever becomes of the store."""

import logging
import threading
from typing import Literal

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Backoff, Clock, Random, Resident
from pie.state.registry.instances import (
    Instance,
    RuntimeDescription,
    ServiceMeta,
    encode,
    instance_key,
    meta_key,
    read_instance,
    runtime_key,
)
from pie.state.store.interface import Held, Invalid, LimitExceeded, Store, StoreError

_log = logging.getLogger("pie.state")

State = Literal["new", "registered", "away", "held", "stopped"]
KEEP_ALIVES_PER_TTL = 3
TRIES_WHILE_HELD_PER_TTL = 10
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
        heir_of: the ``lease`` of a registrar that still stands and hands its registration over.
        random: the jitter of retries.
        clock: times how long another process holds the id.
    """

    def __init__(
        self,
        store: Store,
        instance: Instance,
        meta: ServiceMeta | None = None,
        description: RuntimeDescription | None = None,
        *,
        ttl: float = 10.0,
        heir_of: int = 0,
        random: Random = SYSTEM_RANDOM,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._store = store
        self._instance = instance
        self._meta = meta
        self._description = description
        self._ttl = ttl
        self._lock = threading.Lock()
        self._registered = threading.Event()
        self._deregister = True
        self._lease = 0
        self._heir_of = heir_of
        self._written: _Entries | None = None
        self._state: State = "new"
        self._was_registered = False
        self._keys = 0
        """How many keys were written under the lease."""
        self._held_since = 0.0
        self._said_held = False
        self._thread = Resident(
            "pie-registrar",
            self._step,
            _log,
            backoff=Backoff(longest=min(5.0, ttl / 2), random=random),
            trouble=self._trouble,
            finish=self._end,
        )

    @property
    def lease(self) -> int:
        """Under which the registration stands: for a successor. 0 while there is none."""
        return self._lease

    @property
    def state(self) -> State:
        """``away``: not registered as far as is known, and trying; ``held``: another process is
        registered under this id, and this one takes over when that ends."""
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
        if self._lease:
            self._keep()
        if not self._lease:
            self._lease = self._store.grant(self._ttl)
            self._written = None
        with self._lock:
            wanted = self._instance, self._meta, self._description
        if wanted != self._written:
            try:
                self._write(*wanted)
            except Held as error:
                self._wait_for(error)
                return self._ttl / TRIES_WHILE_HELD_PER_TTL
            self._written = wanted
        self._settled()
        return self._ttl / KEEP_ALIVES_PER_TTL

    def _keep(self) -> None:
        """Keep the lease, and see whether the registration still is this lease's."""
        kept = self._store.keep_alive([self._lease])
        if self._lease in kept.missing:
            self._lease = 0
            self._unsettle("away")
        elif self._written is not None and kept.keys and kept.keys[0] < self._keys:
            self._written = None
            if self._state == "registered":
                self._unsettle("away")
                _log.warning(
                    "the registration of %s at %s was deleted or taken over; registering again",
                    self._instance.psm,
                    self._instance.address,
                )

    def _unsettle(self, state: State) -> None:
        self._state = state
        self._registered.clear()

    def _wait_for(self, error: Held) -> None:
        """Another process is registered under this id: mostly the one before this, just killed."""
        now = self._clock.monotonic()
        if self._state != "held":
            self._unsettle("held")
            self._held_since, self._said_held = now, False
        if self._said_held or now - self._held_since < self._ttl:
            return
        self._said_held = True
        psm, address = self._instance.psm, self._instance.address
        _log.warning(
            "%s is not registered, serving all the same: another living process is registered as "
            "%s (%s). Give each instance an address of its own (PORT, ADVERTISE); this one is "
            "registered when the other has ended. %s",
            psm,
            address,
            self._holder(),
            error,
        )

    def _holder(self) -> str:
        """Who is registered in this instance's place, in words."""
        try:
            entry = self._store.get(instance_key(self._instance))
            other = read_instance(entry.key, entry.value) if entry is not None else None
        except StoreError:
            other = None
        if other is None:
            return "which one is not known"
        return f"process {other.pid} of {other.host}, version {other.version or 'unknown'}"

    def _write(
        self, instance: Instance, meta: ServiceMeta | None, description: RuntimeDescription | None
    ) -> None:
        self._claim(instance_key(instance), encode(instance))
        self._keys = 1
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

    def _claim(self, key: str, value: str) -> None:
        self._store.put(key, value, lease=self._lease, claim=True, heir_of=self._heir_of)

    def _describe(self, key: str, value: str) -> None:
        try:
            self._claim(key, value)
            self._keys += 1
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
        self._unsettle("away")
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
