"""Starts toutiao.stream.api: python app/stream/api/bootstrap.py"""

import settings

# isort: split
from pie import serve

application = serve.flask("views:app", settings)
