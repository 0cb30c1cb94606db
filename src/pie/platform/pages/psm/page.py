"""The manifest of the page."""

from pie.platform.pages.psm.routes import router
from pie.platform.server.page import Page

PAGE = Page("psm", (router,))
