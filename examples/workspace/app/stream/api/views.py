"""The HTTP face of the demo. Nothing here but Flask and generated clients."""

import logging

from clients import articles, devices, related
from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pyrpc.article import (
    ArticleMeta,
    ArticleNotFound,
    GetArticleRequest,
    ListArticlesRequest,
    MGetArticleMetaByIdsRequest,
)
from pyrpc.device_info import GetInstallationRequest

from pie import config

app = Flask(__name__)
logger = logging.getLogger(__name__)

FRONT_PAGE = {"zh": [102, 116, 120, 101], "": [101, 103, 108, 117]}


@app.get("/")
def hello() -> str:
    return "Hello world"


@app.get("/stream")
def stream() -> ResponseReturnValue:
    """The front page in the language of the device that asks."""
    device_id = request.args.get("device", default=1, type=int)
    found = devices.GetInstallation(GetInstallationRequest(device_id=device_id)).installation
    language = found.language if found is not None else ""
    ids = FRONT_PAGE.get(language, FRONT_PAGE[""])[: config.get("stream.page_size", default=10)]
    response = articles.MGetArticleMetaByIds(MGetArticleMetaByIdsRequest(ids=ids))
    logger.info("首页 front page for device %d: %d articles", device_id, len(response.articles))
    return jsonify([as_json(each) for each in response.articles])


@app.get("/tags/<tag>")
def tag(tag: str) -> ResponseReturnValue:
    return jsonify(
        [as_json(each) for each in articles.ListArticles(ListArticlesRequest(tag=tag)).articles]
    )


@app.get("/articles/<int:article_id>")
def article(article_id: int) -> ResponseReturnValue:
    try:
        response = articles.GetArticle(GetArticleRequest(id=article_id))
    except ArticleNotFound:
        abort(404)
    found = response.article
    if found is None:
        abort(410, response.BaseResp.StatusMessage)
    return jsonify({**as_json(found.meta), "body": found.body, "readers": found.readers})


@app.get("/articles/<int:article_id>/related")
def related_articles(article_id: int) -> ResponseReturnValue:
    """Asks a service that nobody has deployed: the chain shows it as node -1, and why."""
    response = related.ListArticles(ListArticlesRequest(tag=str(article_id)))
    return jsonify([as_json(each) for each in response.articles])


def as_json(meta: ArticleMeta) -> dict[str, object]:
    return {
        "id": meta.id,
        "title": meta.title,
        "author": meta.author,
        "year": meta.year,
        "tags": meta.tags,
    }
