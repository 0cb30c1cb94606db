"""Serves the built web pages: assets by name, index.html for every other path."""

import gzip
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from pie.model import Failure, Kind

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HASHED_NAME = re.compile(r"[-.][0-9A-Za-z_]{8,}\.\w+(\.map)?$")
_OF_PROGRAMS = frozenset(
    {"metrics", "health", "healthz", "livez", "readyz", "status", "debug", "-", ".well-known"}
)
"""First parts of paths that scrapers and probes ask for, also with a browser's ``Accept``."""
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Pie</title>
<h1>The web pages are not built</h1>
<p>The platform runs, but this copy of Pie came without its web pages. In a clone of the
repository, run <code>make ui</code> and reload this page; an installed wheel has them.</p>"""


def site_router(static: Path) -> APIRouter:
    """Routes for every GET path that nothing else answers; to be included last."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def page(request: Request, path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise Failure(Kind.NOT_FOUND, f"the API has no GET /{path[:200]}: see /openapi.json")
        file = _file_in(static, path)
        if file is not None:
            return _answer(request, file)
        if path.startswith("assets/"):
            raise Failure(Kind.NOT_FOUND, f"there is no /{path[:200]}: reload the page")
        if path and not _is_for_people(request, path):
            raise Failure(
                Kind.NOT_FOUND, f"there is no /{path[:200]}: /openapi.json lists what there is"
            )
        index = _file_in(static, "index.html")
        if index is None:
            return HTMLResponse(_NOT_BUILT, 503, headers=_SECURITY)
        return _answer(request, index)

    return router


def _is_for_people(request: Request, path: str) -> bool:
    """Whether a page may be the answer: browsers ask for HTML by name, programs do not."""
    if path.partition("/")[0] in _OF_PROGRAMS:
        return False
    return "text/html" in request.headers.get("accept", "").lower()


def _file_in(static: Path, path: str) -> Path | None:
    if not path or "\0" in path:
        return None
    try:
        file = (static / path).resolve()
        return file if file.is_relative_to(static.resolve()) and file.is_file() else None
    except OSError:  # a name too long for the file system, for one
        return None


def _answer(request: Request, file: Path) -> Response:
    try:
        content, packed, etag = _read(file, file.stat().st_mtime_ns)
    except OSError as error:  # no descriptors, for one
        raise Failure(
            Kind.UNAVAILABLE, f"{file.name} cannot be read now ({error.strerror}): reload the page"
        ) from None
    hashed = _HASHED_NAME.search(file.name) is not None
    headers = _SECURITY | {
        "ETag": etag,
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if packed and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = packed, "gzip"
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(content, headers=headers, media_type=media_type)


@lru_cache(maxsize=256)
def _read(file: Path, _mtime_ns: int) -> tuple[bytes, bytes, str]:
    """The content, plain and under gzip (empty where that does not pay), and its ETag."""
    content = file.read_bytes()
    packed = gzip.compress(content, mtime=0)
    if len(packed) > 0.9 * len(content):
        packed = b""
    return content, packed, f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
