"""The platform's HTTP application: routes, the form of errors, and the OpenAPI document."""

import json
from collections.abc import Collection
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pie import __version__
from pie.model import Failure, Kind
from pie.platform.pages.client_logs import routes as client_routes
from pie.platform.pages.logs import routes as log_routes
from pie.platform.pages.logs.tasks import routes as task_routes
from pie.platform.pages.service import routes as service_routes
from pie.platform.pages.services import routes as question_routes
from pie.platform.server import ingest_routes, session_routes
from pie.platform.server.answers import error_response
from pie.platform.server.deps import Deps
from pie.platform.server.gatekeeper import Gatekeeper, require
from pie.platform.server.site import site_router
from pie.platform.views import ErrorAnswer


def build_app(
    deps: Deps, state_router: APIRouter, static: Path, host_names: Collection[str]
) -> FastAPI:
    """The whole application.

    Args:
        deps: what the routes work with.
        state_router: the routes of desired state, without authentication of their own.
        static: directory of the built UI; may be missing.
        host_names: names, beside IP addresses, under which the platform may be addressed.
    """
    app = _app_with_questions()
    app.state.deps = deps
    app.include_router(
        state_router,
        dependencies=[Depends(require("service", "admin"))],
        include_in_schema=False,
    )

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(require("admin"))])
    async def openapi_document() -> Response:
        return Response(openapi_json(), media_type="application/json")

    app.include_router(site_router(static))
    app.add_middleware(Gatekeeper, keys=deps.keys, host_names=host_names)
    return app


def openapi_json() -> str:
    """The OpenAPI document, without starting anything; the UI's types come from it."""
    document = _app_with_questions().openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _app_with_questions() -> FastAPI:
    app = FastAPI(
        title="Pie platform",
        version=__version__,
        openapi_url=None,
        responses={"default": {"model": ErrorAnswer, "description": "Any error"}},
        generate_unique_id_function=_operation_id,
    )
    app.include_router(session_routes.router)
    app.include_router(question_routes.router)
    app.include_router(service_routes.router)
    app.include_router(ingest_routes.router)
    app.include_router(log_routes.router)
    app.include_router(task_routes.router)
    app.include_router(client_routes.router)
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_bug)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _on_failure(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return error_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return error_response(
        Failure(Kind.of_http_status(error.status_code), message, code=error.status_code)
    )


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    reasons = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()[:5]
    )
    return error_response(Failure(Kind.INVALID, f"the request is not valid: {reasons}"))


async def _on_bug(_request: Request, error: Exception) -> Response:
    return error_response(
        Failure(
            Kind.INTERNAL,
            f"the platform failed on this request ({type(error).__name__}): "
            "its output has the traceback; please report it",
        )
    )
