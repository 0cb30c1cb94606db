"""``pie call``: one call from the shell, with the types that the callee registered."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from pie.model import Call, Failure
from pie.rpc import Asked, CalleeError, Channel
from pie.thrift import (
    Method,
    Service,
    StructException,
    StructType,
    failure_codes_of,
    read_base_resp,
)
from pie.thrift.json_form import to_json
from pie.tool.call.http import VERBS, HttpCaller, HttpRequest, HttpResponse
from pie.tool.call.json import arguments, parse_json, pretty, read_json, signature, template
from pie.tool.registry.idl import IdlProblem, method_of, service_of_file, service_of_meta
from pie.tool.registry.registry import Found, Registry
from pie.tool.terminal.location import enter_workspace
from pie.tool.terminal.table import (
    BAD,
    BOLD,
    DIM,
    GOOD,
    LINK,
    WARN,
    Cell,
    Column,
    Style,
    echo,
    one_line,
    paint,
    render,
)

PSM_OF_TOOL = "pie.tool.call"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("psm")
@click.argument("method", default="")
@click.argument("request_", metavar="[JSON | - | /PATH]", default="")
@click.argument("body", metavar="[BODY]", default="")
@click.option("--cluster", default="", help="Cluster to call; default if left out.")
@click.option(
    "--instance",
    default="",
    metavar="HOST:PORT",
    help="Call this instance; HOST:PORT/framed one that is not registered.",
)
@click.option("--timeout", type=click.FloatRange(min=0.001), default=10.0, show_default=True)
@click.option(
    "--idl",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The callee's IDL, if it registered none.",
)
@click.option(
    "-I",
    "--include",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder to look for what --idl includes in, after its own. May be given several times.",
)
@click.option("--service", default="", help="Service to call, if the IDL has several.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="HTTP only.")
@click.option("--template", "show_template", is_flag=True, help="Print an example of the request.")
@click.option("--platform", "url", default="", help="Address of the platform.")
def call(
    psm: str,
    method: str,
    request_: str,
    body: str,
    cluster: str,
    instance: str,
    timeout: float,
    idl: Path | None,
    include: tuple[Path, ...],
    service: str,
    headers: tuple[str, ...],
    show_template: bool,
    url: str,
) -> None:
    """Call a method of a service.

    \b
    pie call toutiao.article.article                               its methods
    pie call toutiao.article.article GetArticle --template         what GetArticle takes
    pie call toutiao.article.article GetArticle '{"id": 101}'
    echo '{"id": 101}' | pie call toutiao.article.article GetArticle - --cluster canary
    pie call toutiao.stream.api GET '/stream?count=2'

    The answer goes to standard output, messages about it to standard error.
    """
    enter_workspace()
    if url:
        os.environ["PIE_PLATFORM"] = url
    if instance:
        os.environ["PIE_PIN"] = f"{psm}={instance}"
    if method.upper() in VERBS and request_.startswith("/"):
        _call_http(
            psm,
            HttpRequest(method.upper(), request_, _body(body), _headers(headers)),
            cluster,
            timeout,
        )
        return
    for what, given in (("BODY", body), ("-H", headers)):
        if given:
            raise click.UsageError(
                f"{what} is for HTTP (pie call {psm} POST /path BODY): a method takes one JSON"
            )
    try:
        known = (
            service_of_file(idl, service, include)
            if idl is not None
            else _registered(url, psm, service)
        )
        if not method:
            _show_methods(psm, known)
            return
        chosen = method_of(known, method)
    except IdlProblem as error:
        raise click.ClickException(str(error)) from None
    if show_template:
        echo(template(chosen))
        return
    _call_thrift(psm, known, chosen, read_json(request_), cluster, timeout)


def _registered(url: str, psm: str, service: str) -> type[Service]:
    found = Registry(url).find(psm)
    if _is_http(found):
        raise click.ClickException(
            f"{psm} is an HTTP service: name a verb and a path, pie call {psm} GET /"
        )
    if found.away:
        raise click.ClickException(
            f"{found.away}\nOnly the registry has the IDL of {psm}; give it with --idl FILE"
        )
    if found.meta is None:
        raise click.ClickException(f"{psm} registered no IDL: give it with --idl FILE")
    return service_of_meta(found.meta, service)


def _is_http(found: Found) -> bool:
    if found.meta is not None and found.meta.protocol:
        return found.meta.protocol == "http"
    return bool(found.instances) and found.instances[0].instance.protocol == "http"


def _show_methods(psm: str, service: type[Service]) -> None:
    echo(f"{paint(psm, BOLD)}  {paint(service.name, DIM)}\n")
    columns = (Column("METHOD"), Column("SIGNATURE", cut=True), Column("ABOUT", cut=True))
    rows: list[list[str | Cell]] = [
        [Cell(each.name, LINK), signature(each), Cell(each.doc.partition("\n")[0], DIM)]
        for each in service.methods.values()
    ]
    echo(render(columns, rows))


def _call_thrift(
    psm: str, service: type[Service], method: Method, data: Any, cluster: str, timeout: float
) -> None:
    from pie import serve

    args = arguments(method, data)
    serve.script(PSM_OF_TOOL)
    try:
        channel = Channel(
            Asked(service.name, psm, cluster, timeout, failure_codes=failure_codes_of(service))
        )
        made = channel.new_call(method)
    except (ValueError, CalleeError) as error:
        raise click.ClickException(str(error)) from None
    try:
        value = channel.make(made, method, args)
    except StructException as error:
        kind = StructType(type(error))
        echo(pretty({type(error).__name__: to_json(kind, error)}))
        _say(made, f"raised {type(error).__name__}", WARN)
        sys.exit(1)
    except Failure as failure:
        _fail(made, failure)
    if method.returns is not None:
        echo(pretty(to_json(method.returns, value)))
    status = read_base_resp(value)
    if status is not None and status.code:
        _say(made, f"business code {status.code}: {one_line(status.message)}", WARN)
    else:
        _say(made, "sent" if method.oneway else "ok", GOOD)


def _call_http(psm: str, request: HttpRequest, cluster: str, timeout: float) -> None:
    from pie import serve
    from pie.call import get_runtime

    serve.script(PSM_OF_TOOL)
    try:
        caller = HttpCaller(get_runtime(), psm, cluster=cluster, timeout=timeout)
        made = caller.new_call(request.verb)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        response = caller.make(made, request)
    except Failure as failure:
        _fail(made, failure)
    _show_response(response)
    good = response.status < 400
    _say(made, f"{response.status} {response.reason}", GOOD if good else BAD)
    if not good:
        sys.exit(1)


def _show_response(response: HttpResponse) -> None:
    echo(paint(f"HTTP {response.status} {response.reason}", BOLD), err=True)
    for name, value in response.headers:
        echo(f"{paint(one_line(name), LINK)}: {one_line(value)}", err=True)
    echo(err=True)
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    if "json" in kind:
        try:
            echo(pretty(parse_json(response.body.decode())))
        except (UnicodeDecodeError, click.ClickException):
            pass
        else:
            return
    if sys.stdout.isatty():
        echo(response.body.decode("utf-8", "replace").removesuffix("\n"))
    else:
        click.echo(response.body, nl=not response.body.endswith(b"\n"))


def _fail(made: Call, failure: Failure) -> NoReturn:
    who = {"self": "here", "peer": "by the callee", "framework": "by Pie"}[failure.raised_by]
    _say(made, f"{failure.kind} {failure.code}, raised {who}", BAD)
    raise click.ClickException(one_line(failure.message))


def _say(made: Call, outcome: str, style: Style) -> None:
    """The line below the answer: where to look for more of it."""
    parts = [paint(outcome, style)]
    if made.logid:
        parts.append(f"logid {paint(made.logid, LINK)}")
    if made.peer:
        parts.append(f"{made.peer} ({made.callee_cluster or 'default'})")
    parts.append(f"{made.duration * 1000:.1f} ms")
    if made.request_bytes or made.response_bytes:
        parts.append(f"{made.request_bytes} B out, {made.response_bytes} B in")
    if made.attempts > 1:
        parts.append(f"{made.attempts} attempts")
    echo("  ".join(parts), err=True)


def _body(text: str) -> bytes:
    return sys.stdin.buffer.read() if text == "-" else text.encode()


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise click.ClickException(f"-H {text!r}: write NAME:VALUE")
        found[name.strip()] = value.strip()
    return found
