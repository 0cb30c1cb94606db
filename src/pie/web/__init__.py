"""HTTP: WSGI applications as servers of Calls, and the adapters of their frameworks."""

from pie.web.wsgi import Middleware

__all__ = ["Middleware"]
