"""The services this one calls."""

from pyrpc.article import ArticleServiceClient

articles = ArticleServiceClient("toutiao.article.article")
related = ArticleServiceClient("toutiao.article.related")
