"""Routes of the search tasks."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from pie.platform.pages.logs.tasks.views import Task, TaskList, TaskRequest, TaskResult
from pie.platform.pages.logs.work import LogWork
from pie.platform.server.answers import json_response
from pie.platform.server.deps import work_of
from pie.platform.server.gatekeeper import require, user_of
from pie.platform.server.people import person_of

router = APIRouter(
    prefix="/api/logs/tasks", tags=["log tasks"], dependencies=[Depends(require("person"))]
)

_Work = Annotated[LogWork, Depends(work_of(LogWork))]
_MAX_BODY = 256 << 10
_Number = Annotated[int, Path(alias="number", ge=1, le=10**12 - 1)]


# The body is read before anybody is asked for a token.
@router.post("", response_model=Task, max_body_size=_MAX_BODY)
async def create_task(
    work: _Work, request: Request, wanted: Annotated[TaskRequest, Body()]
) -> Response:
    """Begin a search task, as the person who is logged in."""
    return json_response(await work.tasks.create(wanted, user_of(request)))


@router.get("", response_model=TaskList)
async def list_tasks(
    work: _Work,
    request: Request,
    mine: Annotated[bool, Query()] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """The newest tasks; with ``mine`` only those of the person who is logged in."""
    operator = user_of(request) if mine else None
    return json_response(TaskList(await work.tasks.list(operator, limit)))


@router.get("/{number}", response_model=TaskResult)
async def get_task(work: _Work, number: _Number) -> Response:
    """One task and what it found."""
    return json_response(await work.tasks.get(number))


@router.post("/{number}/cancel", response_model=Task)
async def cancel_task(work: _Work, request: Request, number: _Number) -> Response:
    """Stop a task that waits or runs; another person's only as an admin."""
    person = person_of(request)
    return json_response(await work.tasks.cancel(number, person.name, admin=person.admin))


@router.delete("/{number}", status_code=204)
async def delete_task(work: _Work, request: Request, number: _Number) -> Response:
    """Forget a task; one that runs is stopped first. Another person's only as an admin."""
    person = person_of(request)
    await work.tasks.delete(number, person.name, admin=person.admin)
    return Response(status_code=204)
