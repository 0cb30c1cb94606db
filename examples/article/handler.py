"""Articles of the demo; the names of their authors come from another service."""

import logging

from clients import users
from pyrpc.article import (
    Article,
    ArticleNotFound,
    GetArticleRequest,
    GetArticleResponse,
    MGetArticlesRequest,
    MGetArticlesResponse,
)
from pyrpc.base import BaseResp
from pyrpc.user_info import MGetUsersRequest

logger = logging.getLogger(__name__)

WITHDRAWN = 1410
ARTICLES = {
    101: ("The first programmer", 1, ["history"], 9120),
    102: ("用户登录失败的十种原因", 2, ["登录", "故障"], 48211),
    103: ("Nanoseconds, explained", 3, ["hardware"], 7004),
    104: ("A kernel in a weekend", 4, ["systems"], 15530),
    105: ("Landing on the moon", 5, ["history", "systems"], 88012),
    106: ("Can machines think?", 6, ["ai"], 1950),
    107: ("Retracted: cold fusion at home", 1, ["physics"], 12),
}
RETRACTED = {107}


class Handler:
    def MGetArticles(self, req: MGetArticlesRequest) -> MGetArticlesResponse:
        known = [article_id for article_id in req.ids if article_id in ARTICLES]
        return MGetArticlesResponse(articles=with_authors(known))

    def GetArticle(self, req: GetArticleRequest) -> GetArticleResponse:
        if req.id not in ARTICLES:
            raise ArticleNotFound(id=req.id)
        if req.id in RETRACTED:
            logger.info("article %d is withdrawn", req.id)
            status = BaseResp(StatusMessage="withdrawn", StatusCode=WITHDRAWN)
            return GetArticleResponse(BaseResp=status)
        return GetArticleResponse(article=with_authors([req.id])[0])


def with_authors(article_ids: list[int]) -> list[Article]:
    author_ids = sorted({ARTICLES[article_id][1] for article_id in article_ids})
    found = users.MGetUsers(MGetUsersRequest(ids=author_ids)).users
    articles = []
    for article_id in article_ids:
        title, author_id, tags, reads = ARTICLES[article_id]
        author = found[author_id].name if author_id in found else "unknown"
        articles.append(Article(id=article_id, title=title, author=author, tags=tags, reads=reads))
    return articles
