"""What a page of the platform offers the application: its manifest."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from pie.platform.server.deps import Deps, Work


@dataclass(frozen=True, slots=True)
class Page:
    """One page, as ``PAGE`` in ``pages/<name>/page.py``.

    ``name`` is that of its folder, ``routers`` hold its API. ``work`` makes what it keeps between
    requests. ``open_paths`` are paths that web pages of any origin may use: the gatekeeper lets
    them through without a role, so their routes check a key of their own.
    """

    name: str
    routers: tuple[APIRouter, ...]
    work: Callable[[Deps], Work] | None = None
    open_paths: tuple[str, ...] = ()
