"""The owner of all policies of a process: what they remember, the rules they follow, their courses.

Thrift and HTTP, servers and clients, threads and coroutines take their ``Course`` here, and no
client or server owns state. So a client that is made anew, or a rule that changes, forgets nothing.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from pie.call.course import Course, Retries
from pie.call.gates import GateLock, Gates
from pie.call.order import attempt_gates, client_gates, client_retry, server_gates
from pie.govern import Gate, Key, NoRules, Rule, RuledGate, RuleSet, RuleSource, Side, Verdicts
from pie.model import SYSTEM_CLOCK, Clock, after_fork
from pie.observe import Observer

R = TypeVar("R", bound=Rule)
S = TypeVar("S")


def _no_instance(psm: str, cluster: str) -> str:
    return f"there is no instance of {psm} in the cluster {cluster}"


class Policies:
    """All gates of a process, under one lock.

    State is made when a gate first needs it and lives as long as the process. It is keyed by
    callee, cluster and method before *route* and by instance behind it, and each policy bounds its
    own (``pie.govern.table``). In a forked child it begins anew: what its parent has in flight is
    not the child's.

    Args:
        observer: of this process.
        explain: given a PSM and a cluster, says why there is no instance and what to do.
        source: of rules; None = there are none: a policy that stands only while a rule is in force
            has no gate, and the others run on their defaults.
        clock: of every gate.
    """

    def __init__(
        self,
        observer: Observer,
        explain: Callable[[str, str], str] = _no_instance,
        *,
        source: RuleSource | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._observer = observer
        self._explain = explain
        self._clock = clock
        self._lock = GateLock()  # Registered before `_after_fork`, hence renewed before it.
        self.verdicts = Verdicts(self._lock)
        """How calls went by the rules in force."""
        self._source: RuleSource = NoRules() if source is None else source
        self._composers: WeakKeyDictionary[Course, Callable[[], None]] = WeakKeyDictionary()
        """What composes the gates of each course that is in use."""
        self._clients: WeakValueDictionary[str, Course] = WeakValueDictionary()
        """By callee."""
        self._watchers: list[Callable[[], None]] = []
        self._begin()
        after_fork(self._after_fork)
        self._source.follow(self._renew)
        self._renew()  # After `follow`: a change in between is not missed.

    def _begin(self) -> None:
        self._changing = threading.RLock()  # A finalizer that runs meanwhile may make a call.
        self._states: dict[type, Any] = {}

    def server(self, own: Iterable[Gate] = (), *, reply: Iterable[Gate] = ()) -> Course:
        """How calls that this process serves run.

        Args:
            own: the gates of the service's author, nearest to the handler.
            reply: of a protocol that answers rejections itself, right behind the record gate.
        """
        own, reply, gates = tuple(own), tuple(reply), Gates((), self._lock)
        parts = _Parts(self, self._own_rules("server"))

        def compose() -> None:
            gates.replace(server_gates(parts, own, reply))

        with self._changing:
            return self._follow(Course(gates, self._clock), compose)

    def client(self, callee: str) -> Course:
        """How calls that this process makes to a service run; one course for each callee."""
        with self._changing:
            found = self._clients.get(callee)
            if found is None:
                self._source.want(callee)
                found = self._clients[callee] = self._new_client(callee)
            return found

    def _new_client(self, callee: str) -> Course:
        gates, attempts = Gates((), self._lock), Gates((), self._lock)
        retries = Retries(self._lock)
        parts = _Parts(self, self._own_rules("client"), (callee, "callers"))

        def compose() -> None:
            gates.replace(client_gates(parts))
            attempts.replace(attempt_gates(parts))
            retries.replace(client_retry(parts))

        record = self._observer.recorder.log.record
        return self._follow(Course(gates, self._clock, attempts, retries, record), compose)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` now and after each change of the rules."""
        with self._changing:
            self._watchers.append(changed)
            changed()

    def _own_rules(self, side: Side) -> tuple[str, Side]:
        return self._observer.identity.psm, side

    def _follow(self, course: Course, compose: Callable[[], None]) -> Course:
        compose()
        self._composers[course] = compose
        return course

    def _renew(self) -> None:
        """Other rules are in force."""
        with self._changing:
            self._rule_sets = self._source.rule_sets()
            self._compose()

    def _after_fork(self) -> None:
        self.verdicts.take()  # The parent's.
        self._begin()
        self._renew()  # The thread that brought other rules may have been about to do so.

    def _compose(self) -> None:
        for compose in [*self._composers.values(), *self._watchers]:
            compose()

    def rule_set(self, kind: type[R], psm: str, side: Side) -> RuleSet[R] | None:
        """The rules in force that a service's owner published; None = there are none."""
        found = self._rule_sets.get(Key(kind.kind, psm, side))
        return found if found is not None and found.rules else None

    def state(self, kind: type[S]) -> S:
        """What a policy of this process remembers."""
        with self._changing:
            if kind not in self._states:
                self._states[kind] = kind()
            state: S = self._states[kind]
            return state


class _Parts:
    """What the gates of one course are made of; see ``pie.call.order.Parts``.

    Args:
        owner: of the course.
        published: by whom and for which side the rules are that its calls go by; the first come
            before the others.
    """

    def __init__(self, owner: Policies, *published: tuple[str, Side]) -> None:
        self._owner = owner
        self._published = published
        self.observer = owner._observer
        self.explain = owner._explain
        self.clock = owner._clock
        self.verdicts = owner.verdicts

    def rules(self, kind: type[R]) -> RuleSet[R] | None:
        found: RuleSet[R] | None = None
        for psm, side in reversed(self._published):
            its = self._owner.rule_set(kind, psm, side)
            if its is not None:
                found = its if found is None else its.before(found)
        return found

    def state(self, kind: type[S]) -> S:
        return self._owner.state(kind)

    def ruled(self, gate: type[RuledGate]) -> list[Gate]:
        rules = self.rules(gate.rule_type)
        if rules is None:
            return []
        return [gate(rules, self.state(gate.state_type), self.clock, self.verdicts)]
