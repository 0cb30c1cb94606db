"""Logging in with a token, and logging out."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pie.model import Failure, Kind
from pie.platform.server.answers import json_response
from pie.platform.server.auth import SESSION_COOKIE, SESSION_SECONDS
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import address_of, caller_of, require
from pie.platform.server.identity.who import Caller, TokensAndSessions
from pie.platform.server.views import LoginPost, Session

router = APIRouter(tags=["session"])

_MAX_BODY = 4 << 10
_NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_NO_LOGIN = """<!doctype html><meta charset="utf-8"><title>Pie</title>
<h1>This login link does not work</h1>
<p>Its token is wrong, expired or revoked. Ask an admin for a personal token, or use the link that
<code>pie platform</code> printed when it started: it has the text of <code>admin.token</code> from
the platform's directory after <code>/login?token=</code>.</p>"""


@router.get("/login", include_in_schema=False)
async def login(
    deps: AskDeps,
    request: Request,
    token: Annotated[str, Query(max_length=500)] = "",
    user: Annotated[str, Query()] = "",
) -> Response:
    caller = deps.who.of_token(token, address_of(request.scope), user) if token else None
    if caller is None or caller.role == "service":
        return HTMLResponse(_NO_LOGIN, 401, headers=_NOT_KEPT)
    # To another address at once: a browser does not keep the one with the token in its history.
    answer = RedirectResponse("/", 303, headers=_NOT_KEPT)
    _log_in(request, deps.who, caller, answer)
    return answer


# A page that knows a token posts it, so that it stands in no address.
@router.post("/api/login", response_model=Session, max_body_size=_MAX_BODY)
async def login_with_token(
    deps: AskDeps, request: Request, given: Annotated[LoginPost, Body()]
) -> Response:
    """Begin a session of the person whose token it is; the answer sets its cookie."""
    caller = deps.who.of_token(given.token.strip(), address_of(request.scope), given.user.strip())
    if caller is None or caller.role == "service":
        raise Failure(
            Kind.UNAUTHENTICATED,
            "this is not the token of a person: it is wrong, expired or revoked. Ask an admin for "
            "another, or use the text of admin.token in the platform's directory",
        )
    answer = json_response(_session(caller))
    _log_in(request, deps.who, caller, answer)
    return answer


@router.get(
    "/api/session",
    response_model=Session,
    dependencies=[Depends(require("person", "service"))],
)
async def session(request: Request) -> Response:
    """Who is asking: their role and name, and how they are known."""
    caller = caller_of(request)
    assert caller is not None, "the dependency let nobody through without a role"
    return json_response(_session(caller))


@router.post("/api/logout", status_code=204)
async def logout() -> Response:
    """End the login of this browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def _log_in(request: Request, who: TokensAndSessions, caller: Caller, answer: Response) -> None:
    answer.set_cookie(
        SESSION_COOKIE,
        who.new_session(caller),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _session(caller: Caller) -> Session:
    return Session(role=caller.role, user=caller.name, token=caller.token)
