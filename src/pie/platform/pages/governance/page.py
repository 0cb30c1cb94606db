"""The manifest of the page."""

from pie.platform.pages.governance.drain_routes import router as drain_router
from pie.platform.pages.governance.publish_routes import router as publish_router
from pie.platform.pages.governance.routes import router
from pie.platform.server.page import Page

PAGE = Page("governance", (router, publish_router, drain_router))
