"""The pages of the platform: one folder each, found by listing this one."""

import importlib
import pkgutil

from pie.platform.server.page import Page


def all_pages() -> tuple[Page, ...]:
    """The manifest of each page, in order of their names.

    Raises:
        ImportError: a folder has no ``page.py``.
        TypeError: its ``PAGE`` is not a ``Page`` of the folder's name.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return tuple(_page(name) for name in names)


def _page(name: str) -> Page:
    page = importlib.import_module(f"{__name__}.{name}.page").PAGE
    if not isinstance(page, Page) or page.name != name:
        raise TypeError(f"PAGE of {__name__}.{name}.page must be a Page named {name!r}: {page!r}")
    return page
