"""The manifest of the page."""

from pie.platform.pages.degrade.ending import Ending
from pie.platform.pages.degrade.routes import router
from pie.platform.server.page import Page

PAGE = Page("degrade", (router,), Ending.of)
