"""HTTP: WSGI applications as servers of Calls, and the adapters of their frameworks."""

from pie.web.headers import chain_headers
from pie.web.wsgi import Middleware

__all__ = ["Middleware", "chain_headers"]
