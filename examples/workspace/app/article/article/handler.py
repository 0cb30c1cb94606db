"""Articles of the demo; which devices they were read on is asked of another service."""

import logging
import sqlite3
from collections import Counter

import store
from clients import devices
from pyrpc.article import (
    Article,
    ArticleMeta,
    ArticleNotFound,
    GetArticleRequest,
    GetArticleResponse,
    ListArticlesRequest,
    ListArticlesResponse,
    MGetArticleMetaByIdsRequest,
    MGetArticleMetaByIdsResponse,
)
from pyrpc.base import BaseResp
from pyrpc.device_info import MGetInstallationsRequest

from pie import degradable

logger = logging.getLogger(__name__)
store.prepare()

WITHDRAWN = 1410
MOST_ARTICLES = 100


class Handler:
    def MGetArticleMetaByIds(
        self, req: MGetArticleMetaByIdsRequest
    ) -> MGetArticleMetaByIdsResponse:
        ids = req.ids[:MOST_ARTICLES]
        marks = ", ".join("?" * len(ids))
        rows = store.query(f"SELECT * FROM articles WHERE id IN ({marks})", *ids)
        known = {row["id"]: meta(row) for row in rows}
        logger.info("found %d of %d articles", len(known), len(ids))
        return MGetArticleMetaByIdsResponse(articles=[known[i] for i in ids if i in known])

    def GetArticle(self, req: GetArticleRequest) -> GetArticleResponse:
        rows = store.query("SELECT * FROM articles WHERE id = ?", req.id)
        if not rows:
            raise ArticleNotFound(id=req.id)
        row = rows[0]
        if row["withdrawn"]:
            logger.info("article %d is withdrawn", req.id)
            status = BaseResp(StatusMessage="withdrawn", StatusCode=WITHDRAWN)
            return GetArticleResponse(BaseResp=status)
        article = Article(meta=meta(row), body=row["body"], readers=readers(row["readers"]))
        return GetArticleResponse(article=article)

    def ListArticles(self, req: ListArticlesRequest) -> ListArticlesResponse:
        rows = store.query(
            "SELECT * FROM articles WHERE ' ' || tags || ' ' LIKE ? AND NOT withdrawn "
            "ORDER BY year DESC LIMIT ?",
            f"% {req.tag} %" if req.tag else "%",
            min(req.count, MOST_ARTICLES),
        )
        return ListArticlesResponse(articles=[meta(row) for row in rows])


def meta(row: sqlite3.Row) -> ArticleMeta:
    return ArticleMeta(
        id=row["id"],
        title=row["title"],
        author=row["author"],
        year=row["year"],
        tags=row["tags"].split(),
    )


@degradable(fallback=lambda _ids: {}, users_see="articles without the devices of their readers")
def readers(device_ids: str) -> dict[str, int]:
    """How many of the readers' devices are of which platform."""
    request = MGetInstallationsRequest(device_ids=[int(each) for each in device_ids.split()])
    found = devices.MGetInstallations(request).installations
    return dict(Counter(each.platform.name.lower() for each in found.values()))
