"""The manifest of the page."""

from pie.platform.pages.client_logs.routes import PATH, ClientLogWork, router
from pie.platform.server.page import Page

PAGE = Page("client_logs", (router,), ClientLogWork, open_paths=(PATH,))
