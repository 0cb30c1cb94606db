"""A client tied to its process: the service that it calls, and how, as configured now."""

import math
import threading

from pie.call import Runtime, get_runtime
from pie.model import (
    PSM,
    Call,
    Endpoint,
    Failure,
    StaticEndpoint,
    addressee,
    after_fork,
    declare_idl_codes,
)
from pie.rpc.client.callee import Asked, Callee, check_address, file_of, resolve
from pie.rpc.client.callee_file import CalleeFile, FollowedFile
from pie.rpc.client.link import Target
from pie.rpc.client.options import Options
from pie.thrift import Method


class Bound:
    """The set-up of a client: its process, its file, its callee.

    Args:
        runtime: of the process.
        followed: its yml; None outside a workspace.
        file: the content of that.
        callee: the service that it calls, and
        service: the name of that in the IDL.
    """

    def __init__(
        self,
        runtime: Runtime,
        followed: FollowedFile | None,
        file: CalleeFile | None,
        callee: Callee,
        service: str,
    ) -> None:
        self.runtime = runtime
        self.followed = followed
        self.file = file
        self.callee = callee
        self.service = service
        self.pin = runtime.pinned.get(callee.psm, "")
        """The one instance that all its calls go to; empty = whichever gates choose."""
        self.course = runtime.policies.client(callee.psm)
        self.answered = False
        """Whether anything ever came back."""

    def is_current(self, runtime: Runtime) -> bool:
        """Whether neither the process was set up anew nor the file has changed."""
        if self.runtime is not runtime:
            return False
        return self.followed is None or self.followed.content() is self.file

    @property
    def next_look(self) -> float:
        """When to ask again whether it is current (monotonic seconds)."""
        return math.inf if self.followed is None else self.followed.next_look

    def new_call(self, method: Method, options: Options | None) -> Call:
        """A call to the service, with the options applied."""
        callee, identity = self.callee, self.runtime.identity
        call = Call(
            "client",
            "thrift",
            caller=identity.psm,
            caller_cluster=identity.cluster,
            callee=callee.psm,
            callee_cluster=callee.cluster,
            method=method.name,
            timeout=callee.timeout,
        )
        call.usual_timeout = callee.usual_timeout
        call.pin = self.pin
        if callee.endpoints:
            call.candidates = callee.endpoints
            call.notes.append(callee.source)
        else:
            call.candidates = self.runtime.directory.instances(callee.psm)
        if options is not None:
            self._apply(options, call)
        return call

    def _apply(self, options: Options, call: Call) -> None:
        callee = self.callee
        if options.timeout is not None and "timeout" not in callee.fixed:
            call.timeout = options.timeout
        if options.to_cluster and "to_cluster" not in callee.fixed:
            call.callee_cluster = options.to_cluster
            call.candidates = [
                each._replace(cluster=options.to_cluster) for each in callee.endpoints
            ] or call.candidates
        call.pin = self.pin or options.pinned
        call.max_attempts = 0 if options.retries is None else options.retries + 1
        call.detached = options.detached
        call.env = options.lane
        call.persist.update(options.persist)
        call.transit.update(options.transit)

    def target(self, endpoint: Endpoint) -> Target:
        """Where connections to an endpoint go."""
        return Target(
            endpoint.host,
            endpoint.port,
            endpoint.transport,
            self.callee.link,
            keeps_quiet=registered_itself(endpoint),
        )

    def addressee(self, call: Call, endpoint: Endpoint) -> str:
        """Whom a request to an endpoint names as the one that it is for: the instance that
        registered itself, whose address may be another's by now. Empty where whoever is at the
        address is meant: one in code or a file, or that somebody registered by a name of theirs."""
        if not registered_itself(endpoint):
            return ""
        # Behind a unix socket an instance is called by its process's number: one that took over the
        # path of its predecessor is as good.
        return addressee(call.callee, endpoint.id if endpoint.port else "")

    def explain(self, call: Call, endpoint: Endpoint, failure: Failure) -> None:
        """Add a likely cause to a failure: a transport that was configured wrongly, or a list of
        instances that is out of date."""
        if not failure.never_sent:
            if isinstance(endpoint, StaticEndpoint) and not self.answered:
                _add(
                    failure,
                    f"It never answered, and its configured transport is {endpoint.transport}: is "
                    "that right (ttheader: a Pie service; framed, buffered: Apache Thrift)?",
                )
        elif not self.callee.endpoints:
            doubt = self.runtime.directory.doubt(call.callee)
            if doubt:
                _add(failure, doubt)


def registered_itself(endpoint: Endpoint) -> bool:
    """Whether a Pie process registered this endpoint, as its own; else somebody did so for it."""
    return bool(getattr(endpoint, "pid", 0))


def _add(failure: Failure, sentence: str) -> None:
    failure.message = f"{failure.message}. {sentence}"
    failure.args = (failure.message,)


class Binder:
    """Ties a client to its process, at its first call and again when something has changed.

    Args:
        asked: the arguments of the client.

    Raises:
        ValueError: an argument is malformed.
    """

    def __init__(self, asked: Asked) -> None:
        if asked.psm:
            PSM.parse(asked.psm)
        if asked.timeout is not None and not asked.timeout > 0:
            raise ValueError(f"timeout={asked.timeout} is not a number of seconds above 0")
        if asked.address:
            check_address(asked.address)
        self._asked = asked
        self._bound: Bound | None
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        """Also in a forked child: the lock may be held by a thread that the child does not have."""
        self._lock = threading.Lock()
        self._bound = None

    def bound(self) -> Bound:
        """The client as it stands now.

        Raises:
            CalleeError: the service to call is not configured.
            NotBootstrapped: the process was not set up.
        """
        runtime = get_runtime()
        bound = self._bound
        if bound is not None and bound.is_current(runtime):
            return bound
        with self._lock:
            self._bound = self._set_up(runtime, bound)
            return self._bound

    def _set_up(self, runtime: Runtime, before: Bound | None) -> Bound:
        path = file_of(self._asked.service, runtime.conf)
        followed = before.followed if before is not None and before.runtime is runtime else None
        if followed is None and path is not None:
            followed = FollowedFile(path, self._asked.service)
        file = followed.content() if followed is not None else None
        callee = resolve(self._asked, path, file)
        declare_idl_codes(self._asked.failure_codes, callee.psm)
        return Bound(runtime, followed, file, callee, self._asked.service)
