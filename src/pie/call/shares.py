"""Counts the peers with whom this instance shares limits of its whole service."""

from collections.abc import Callable, Sequence

from pie.call.policies import Policies
from pie.govern import RateRule, RateState
from pie.model import Endpoint

Watch = Callable[[str, Callable[[Sequence[Endpoint]], None]], None]
"""Given a PSM and a function, calls it with the instances now and whenever they change."""


class PeerShares:
    """Follows the instances of this process's service while a limit is shared with them.

    Args:
        policies: of the process.
        psm: its service.
        watch: of the registry; must not wait.
    """

    def __init__(self, policies: Policies, psm: str, watch: Watch) -> None:
        self._policies = policies
        self._psm = psm
        self._watch = watch
        self._state: RateState | None = None
        policies.watch(self._rules_changed)

    def _rules_changed(self) -> None:
        rules = self._policies.rule_set(RateRule, self._psm, "server")
        if rules is None or all(each.rule.per == "instance" for each in rules.rules):
            return
        state = self._policies.state(RateState)
        if state is not self._state:  # For the first time in this process, which may be a child.
            self._state = state
            self._watch(self._psm, lambda peers: state.shares.count(each.cluster for each in peers))
