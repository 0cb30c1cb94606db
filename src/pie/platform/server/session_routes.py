"""Logging in through a link, and logging out."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pie.platform.server.answers import json_response
from pie.platform.server.auth import SESSION_COOKIE, SESSION_SECONDS, user_name
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require, role_of, user_of
from pie.platform.server.views import Session

router = APIRouter(tags=["session"])

_NO_LOGIN = """<!doctype html><meta charset="utf-8"><title>Pie</title>
<h1>This login link does not work</h1>
<p>Use the link that <code>pie platform</code> printed when it started, or put the text of
<code>admin.token</code> from the platform's directory after <code>/login?token=</code>.</p>"""


@router.get("/login", include_in_schema=False)
async def login(
    deps: AskDeps,
    token: Annotated[str, Query(max_length=500)] = "",
    user: Annotated[str, Query()] = "admin",
) -> Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    if deps.keys.role_of(token) != "admin":
        return HTMLResponse(_NO_LOGIN, 401, headers=headers)
    answer = RedirectResponse("/", 303, headers=headers)
    answer.set_cookie(
        SESSION_COOKIE,
        deps.keys.new_session(time.time(), user_name(user or "admin")),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.get(
    "/api/session",
    response_model=Session,
    dependencies=[Depends(require("admin", "service"))],
)
async def session(request: Request) -> Response:
    """Who is asking: the role of the token, and the name given at the login."""
    role = role_of(request)
    assert role is not None, "the dependency let nobody through without a role"
    return json_response(Session(role=role, user=user_of(request)))


@router.post("/api/logout", status_code=204)
async def logout() -> Response:
    """End the login of this browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer
