"""The runtime of this process: what a bootstrap sets up once and every server and client uses."""

from pathlib import Path

from pie._core import native
from pie.call.demand import Ask, DemandShares
from pie.call.policies import Policies
from pie.call.shares import PeerShares
from pie.call.switches import SWITCHES
from pie.govern import RuleSource
from pie.observe import Identity, Observer
from pie.state import Directory


class NotBootstrapped(RuntimeError):
    """A client was used in a process that no bootstrap set up."""


class Runtime:
    """Identity, observation, discovery and policies of this process.

    Args:
        observer: where its calls and lines go.
        directory: who can be called where.
        pinned: PSM → ``host:port``, for test runs.
        conf: the workspace's folder of configuration; None outside a workspace.
        rules: what policies follow; None = there are none, as in ``Policies``.
        shares: asks the platform for this process's parts of limits of its service; None = it has
            its equal parts.
    """

    def __init__(
        self,
        observer: Observer,
        directory: Directory,
        *,
        pinned: dict[str, str] | None = None,
        conf: Path | None = None,
        rules: RuleSource | None = None,
        shares: Ask | None = None,
    ) -> None:
        self.observer = observer
        self.directory = directory
        self.pinned = pinned or {}
        self.conf = conf
        self.policies = Policies(observer, directory.explain, source=rules)
        PeerShares(self.policies, observer.identity.psm, directory.watch)
        self.demand = None
        if shares is not None:
            self.demand = DemandShares(self.policies, observer.identity, shares)
        observer.count_verdicts(self.policies.verdicts.take)

    @property
    def identity(self) -> Identity:
        """Who this process is."""
        return self.observer.identity


_runtime: Runtime | None = None


def set_runtime(runtime: Runtime | None) -> None:
    """Set, or with None forget, the runtime of this process."""
    global _runtime
    _runtime = runtime
    if runtime is None:
        SWITCHES.bind(None, None)
    else:
        SWITCHES.bind(runtime.policies, runtime.identity)
    if native is not None:
        native.renew_plans()


def get_runtime() -> Runtime:
    """The runtime of this process.

    Raises:
        NotBootstrapped: nothing set it up.
    """
    if _runtime is None:
        raise NotBootstrapped(
            "Pie is not set up in this process: start the service through its bootstrap.py, "
            "or put `import pie.serve; pie.serve.script('product.subsystem.module')` at the top "
            "of a bare script"
        )
    return _runtime
