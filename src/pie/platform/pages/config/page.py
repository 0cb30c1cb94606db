"""The manifest of the page."""

from pie.platform.pages.config.routes import router
from pie.platform.server.page import Page

PAGE = Page("config", (router,))
