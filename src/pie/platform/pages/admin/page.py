"""The manifest of the page."""

from pie.platform.pages.admin.routes import router
from pie.platform.server.page import Page

PAGE = Page("admin", (router,))
