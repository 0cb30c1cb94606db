"""The manifest of the page."""

from pie.platform.pages.logs import routes
from pie.platform.pages.logs.tasks import routes as task_routes
from pie.platform.pages.logs.work import LogWork
from pie.platform.server.page import Page

PAGE = Page("logs", (routes.router, task_routes.router), LogWork)
