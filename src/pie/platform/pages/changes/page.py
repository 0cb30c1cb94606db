"""The manifest of the page."""

from pie.platform.pages.changes.releases import ReleaseWatch
from pie.platform.pages.changes.routes import router
from pie.platform.server.page import Page

PAGE = Page("changes", (router,), ReleaseWatch)
