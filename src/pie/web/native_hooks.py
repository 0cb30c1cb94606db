"""The other side of ``_core/web``: the functions that C calls in unusual cases.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from pie.call import Course, Runtime
from pie.model import Failure, addressee
from pie.web import start, unusual
from pie.web.body import RequestBody
from pie.web.file import SentFile
from pie.web.headers import take_chain
from pie.web.path import path_of
from pie.web.peers import TrustedPeers
from pie.web.reply import Answer, Refusal


class MiddlewarePlan(NamedTuple):
    """What a ``_native.Middleware`` is made of.

    Attributes:
        psm: of this process, and
        cluster: that it is in.
        addressee: of requests that are for this process, if they say for whom they are.
        query: what is shown of a query string.
        twin: does the same as the middleware in C.
        call_of: makes the call of an environ.
        app_for: the application for an environ.
    """

    course: Course
    psm: str
    cluster: str
    addressee: str
    trusted: TrustedPeers
    query: str
    twin: Callable[..., Any]
    call_of: Callable[..., Any]
    app_for: Callable[..., Any]


class WebHooks(NamedTuple):
    """Functions and classes that C uses; most are of ``pie.web.unusual``."""

    plan: Callable[..., MiddlewarePlan]
    path_of: Callable[..., str]
    take_chain: Callable[..., None]
    take_body: Callable[..., RequestBody]
    refusing: Callable[..., Any]
    read_status: Callable[..., int]
    read_headers: Callable[..., Any]
    restart: Callable[..., Any]
    write_nowhere: Callable[..., Any]
    no_iterable: Callable[..., Failure]
    no_chunk: Callable[..., Failure]
    close_body: Callable[..., None]
    end_child: Callable[..., None]
    hand_on: Callable[..., Any]
    failed: Callable[..., bytes]
    raise_on: Callable[..., Any]
    switches: Callable[..., bool]
    client_left: Callable[..., None]
    end_input: Callable[..., None]
    outcome: Callable[..., Any]
    gate_broke: Callable[..., None]
    failure: type[Failure]
    refusal: type[Refusal]
    answer: type[Answer]
    sent_file: type[SentFile]


def set_up(
    native: ModuleType,
    twin: Callable[..., Any],
    take_body: Callable[..., RequestBody],
    refusing: Callable[..., Any],
) -> None:
    """Give C what it calls.

    Args:
        native: the extension.
        twin: the class of the middleware in Python.
        take_body: see ``pie.web.wsgi``, as for
        refusing: which makes the application of a refused request.
    """

    def plan(app: Any, runtime: Runtime, edge: Any, method: str) -> MiddlewarePlan:
        made, who = twin(app, runtime, edge, method=method), runtime.identity
        return MiddlewarePlan(
            course=made.course,
            psm=who.psm,
            cluster=who.cluster,
            addressee=addressee(who.psm, who.instance),
            trusted=made.edge.trusted,
            query=made.edge.query,
            twin=made,
            call_of=made.call_of,
            app_for=made.app_for,
        )

    native.setup_web(
        WebHooks(
            plan=plan,
            path_of=path_of,
            take_chain=take_chain,
            take_body=take_body,
            refusing=refusing,
            read_status=start.read_status,
            read_headers=start.read_headers,
            restart=unusual.restart,
            write_nowhere=unusual.write_nowhere,
            no_iterable=unusual.no_iterable,
            no_chunk=unusual.no_chunk,
            close_body=unusual.close_body,
            end_child=unusual.end_child,
            hand_on=unusual.hand_on,
            failed=unusual.failed,
            raise_on=unusual.raise_on,
            switches=unusual.switches,
            client_left=unusual.client_left,
            end_input=unusual.end_input,
            outcome=unusual.outcome,
            gate_broke=unusual.gate_broke,
            failure=Failure,
            refusal=Refusal,
            answer=Answer,
            sent_file=SentFile,
        )
    )
