"""Starts toutiao.article.article: python app/article/article/bootstrap.py"""

import settings

# isort: split
from pie import serve

serve.thrift("pyrpc.article:ArticleService", "handler:Handler", settings)
