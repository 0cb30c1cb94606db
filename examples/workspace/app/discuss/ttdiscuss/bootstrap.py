"""Starts toutiao.discuss.ttdiscuss: python app/discuss/ttdiscuss/bootstrap.py"""

# ruff: noqa: I001 - whether settings is ours depends on where ruff is started
import settings
from pie import serve

application = serve.django("project.settings", settings)
