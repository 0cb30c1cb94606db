"""The services this one calls."""

from pyrpc.article import ArticleServiceClient

from pie.rpc import client

articles = client(ArticleServiceClient, "toutiao.article.article")
related = client(ArticleServiceClient, "toutiao.article.related")
