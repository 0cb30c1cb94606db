"""The manifest of the page."""

from pie.platform.pages.services.routes import router
from pie.platform.server.page import Page

PAGE = Page("services", (router,))
