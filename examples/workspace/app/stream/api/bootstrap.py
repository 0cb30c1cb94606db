"""Starts toutiao.stream.api: python app/stream/api/bootstrap.py"""

# ruff: noqa: I001 - whether settings is ours depends on where ruff is started
import settings
from pie import serve

application = serve.flask("views:app", settings)
