"""The manifest of the page."""

from pie.platform.pages.service.routes import router
from pie.platform.server.page import Page

PAGE = Page("service", (router,))
