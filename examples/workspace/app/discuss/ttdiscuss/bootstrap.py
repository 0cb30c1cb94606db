"""Starts toutiao.discuss.ttdiscuss: python app/discuss/ttdiscuss/bootstrap.py"""

import settings

# isort: split
from pie import serve

application = serve.django("project.settings", settings)
