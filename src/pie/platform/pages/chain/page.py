"""The manifest of the page."""

from pie.platform.pages.chain.routes import router
from pie.platform.server.page import Page

PAGE = Page("chain", (router,))
