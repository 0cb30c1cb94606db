"""How the platform itself is."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from pie import __version__
from pie.platform.server.answers import json_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import role_of
from pie.platform.server.views import Health

router = APIRouter(tags=["health"])

_FOR_STRANGERS = "ask with a token to read why, or look at the output of the platform"


@router.get("/api/health", response_model=Health)
async def health(request: Request, deps: AskDeps) -> Response:
    """Whether both halves of the platform are there; asks for no token, and says more with one."""
    facts = deps.facts
    state = deps.state_health()
    trouble, notes = facts.trouble, facts.notes
    stranger = role_of(request) is None
    if stranger:  # reasons have paths in them
        trouble, notes = trouble and _FOR_STRANGERS, [_FOR_STRANGERS] if notes else []
    return json_response(
        Health(
            status="ok" if facts.is_up and not state.trouble and not state.alarms else "degraded",
            facts="up" if facts.is_up else "down",
            version=__version__,
            facts_trouble=trouble,
            facts_notes=notes,
            state=None if stranger else state,
        )
    )
