"""Starts toutiao.article.article: python app/article/article/bootstrap.py"""

# ruff: noqa: I001 - whether settings is ours depends on where ruff is started
import settings
from pie import serve

serve.thrift("pyrpc.article:ArticleService", "handler:Handler", settings)
