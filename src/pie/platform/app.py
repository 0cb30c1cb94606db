"""The platform's HTTP application: routes, the form of errors, and the OpenAPI document."""

import json
from collections.abc import Collection
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pie import __version__
from pie.model import Failure, Kind
from pie.platform.pages import all_pages
from pie.platform.server import health_routes, ingest_routes, session_routes
from pie.platform.server.answers import error_response
from pie.platform.server.deps import Deps, Work
from pie.platform.server.encoding import Encoding
from pie.platform.server.gatekeeper import Gatekeeper, require
from pie.platform.server.site import site_router
from pie.platform.server.views import ErrorAnswer


def build_app(
    deps: Deps,
    works: Collection[Work],
    state_router: APIRouter,
    static: Path,
    host_names: Collection[str],
) -> FastAPI:
    """The whole application.

    Args:
        deps: what the routes work with.
        works: what the pages keep between requests, see ``page_works``.
        state_router: the routes of desired state, without authentication of their own.
        static: directory of the built UI; may be missing.
        host_names: names, beside IP addresses, under which the platform may be addressed.
    """
    app = _app_with_api()
    app.state.deps = deps
    app.state.works = {type(work): work for work in works}
    app.include_router(
        state_router,
        dependencies=[Depends(require("service", "person"))],
        include_in_schema=False,
    )

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(require("person"))])
    async def openapi_document() -> Response:
        return Response(openapi_json(), media_type="application/json")

    app.include_router(site_router(static))
    app.add_middleware(Encoding)
    open_paths = [path for page in all_pages() for path in page.open_paths]
    app.add_middleware(Gatekeeper, who=deps.who, host_names=host_names, open_paths=open_paths)
    return app


def page_works(deps: Deps) -> list[Work]:
    """What the pages keep between requests, made anew; to be run beside the application."""
    return [page.work(deps) for page in all_pages() if page.work is not None]


def openapi_json() -> str:
    """The OpenAPI document, without starting anything; the UI's types come from it."""
    document = _app_with_api().openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _app_with_api() -> FastAPI:
    app = FastAPI(
        title="Pie platform",
        version=__version__,
        openapi_url=None,
        responses={"default": {"model": ErrorAnswer, "description": "Any error"}},
        generate_unique_id_function=_operation_id,
    )
    app.include_router(session_routes.router)
    app.include_router(health_routes.router)
    app.include_router(ingest_routes.router)
    for page in all_pages():
        for router in page.routers:
            app.include_router(router)
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_left)
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


async def _on_left(_request: Request, _error: Exception) -> Response:
    """The client closed its connection inside its request: nobody reads the answer."""
    return Response(status_code=400)


async def _on_bug(_request: Request, error: Exception) -> Response:
    return error_response(
        Failure(
            Kind.INTERNAL,
            f"the platform failed on this request ({type(error).__name__}): "
            "its output has the traceback; please report it",
        )
    )
