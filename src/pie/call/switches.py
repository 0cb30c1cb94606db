"""The switches of this process: names in the code that somebody may switch off.

A name is known from its first use on, and reported, so that people see what they could switch off
before anybody did. While no rule is about a name, asking is a look into a set.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pie.govern import Degradation, DegradeRule, DegradeState, Ruling, Subject
from pie.govern.degrade import SWITCH_NAME
from pie.model import Call, after_fork, current_call
from pie.observe import Identity

if TYPE_CHECKING:
    from pie.call.policies import Policies

MAX_SWITCHES: Final = 1_000
"""Names that a process reports; those made of users' input must not fill the memory."""
_LONGEST: Final = 300
"""Characters of what users see."""
_OUTSIDE: Final = Subject("", "", "", "", "default", "")
"""Of code that serves no call, in a process that nothing set up."""


class SwitchInfo(NamedTuple):
    """What the code says of a switch: what users see while it is off, and after which failures its
    fallback answers without a rule."""

    users_see: str = ""
    on: tuple[str, ...] = ()


class Switches:
    """Which switches are off, for the code that asks.

    Attributes:
        untouched: names that no rule is about.
        changed: called when the code has said something new of a switch; must not wait.
    """

    def __init__(self) -> None:
        self.untouched: set[str] = set()
        self.changed: Callable[[], None] = _nothing
        self._known: dict[str, SwitchInfo] = {}
        self._tests: dict[str, bool] = {}
        self._policies: Policies | None = None
        self._degradation: Degradation | None = None
        self._outside = _OUTSIDE
        self._after_fork()
        after_fork(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()  # A finalizer that runs meanwhile may ask for a switch.

    def bind(self, policies: "Policies | None", identity: Identity | None) -> None:
        """Go by the rules of a process; None = there are none."""
        with self._lock:
            self._policies = policies
            self._outside = (
                _OUTSIDE
                if identity is None
                else Subject(identity.psm, "", "", "", identity.cluster, identity.env)
            )
            self._degradation = None
            self.untouched.clear()
        if policies is not None and identity is not None:
            policies.watch(lambda: self._renew(policies, identity.psm))

    def _renew(self, policies: "Policies", psm: str) -> None:
        rules = policies.rule_set(DegradeRule, psm, "server")
        with self._lock:
            if policies is self._policies:
                state, clock = policies.state(DegradeState), policies._clock
                self._degradation = None if rules is None else Degradation(rules, state, clock)
                self.untouched.clear()

    def know(self, name: str, info: SwitchInfo) -> None:
        """A name is in the code.

        Raises:
            ValueError: it is no name.
        """
        with self._lock:
            known = self._known.get(name)
            if known is None and not SWITCH_NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:100]!r} is no name of a switch: use up to 100 letters, digits, '_', "
                    "'.' and '-'"
                )
            if known is None and len(self._known) >= MAX_SWITCHES:
                return
            old = known or info
            users_see = (info.users_see or old.users_see)[:_LONGEST]
            merged = SwitchInfo(users_see, info.on or old.on)
            self._known[name] = merged
        if merged != known:
            self.changed()

    def known(self) -> Mapping[str, SwitchInfo]:
        """All names so far."""
        with self._lock:
            return dict(self._known)

    def is_off(self, name: str, info: SwitchInfo) -> bool:
        """Whether what a name stands for is not to be done now; the call notes it."""
        ruling = self.ruling(name, info)
        if isinstance(ruling, bool):
            return ruling
        return ruling is not None and not ruling.rule.on

    def ruling(self, name: str, info: SwitchInfo) -> Ruling[DegradeRule] | bool | None:
        """The rule by which a switch is off now; None = it is not; a test's own word."""
        with self._lock:
            if name not in self._known:
                self.know(name, info)
            if name in self._tests:
                return self._tests[name] or None
            degradation, policies = self._degradation, self._policies
            if degradation is None or name not in degradation.switches:
                if name in self._known:
                    self.untouched.add(name)
                return None
        call = current_call.get()
        subject = self._outside if call is None else Subject.of(call)
        decision = degradation.decide(name, subject, call)
        if decision is None or policies is None:
            return None
        ruling, holds = decision
        if not holds:
            policies.verdicts.note(ruling, "admitted")
            return None
        if not ruling.rule.on:
            policies.verdicts.note(ruling, "fallback")
            note(call, ruling.said("degraded"))
        return ruling

    def fell_back(self, ruling: Ruling[DegradeRule]) -> None:
        """Count that a fallback answered by a rule, after a failure."""
        if self._policies is not None:
            self._policies.verdicts.note(ruling, "fallback")

    def override(self, switches: Mapping[str, bool]) -> Callable[[], None]:
        """Switch off (True) or on for a test; returns what ends it."""
        with self._lock:
            before = dict(self._tests)
            self._tests |= switches
            self.untouched.clear()

        def restore() -> None:
            with self._lock:
                self._tests = before
                self.untouched.clear()

        return restore


def _nothing() -> None:
    pass


def note(call: Call | None, text: str) -> None:
    """Write into a call's record what was decided, once."""
    if call is not None and text not in call.notes:
        call.notes.append(text)


SWITCHES: Final = Switches()
"""Of this process."""
