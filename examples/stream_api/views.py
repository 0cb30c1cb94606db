"""The HTTP face of the demo. Nothing here but Flask and generated clients."""

import logging

from clients import articles, related
from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pyrpc.article import Article, ArticleNotFound, GetArticleRequest, MGetArticlesRequest

app = Flask(__name__)
logger = logging.getLogger(__name__)

FRONT_PAGE = [101, 102, 103]


@app.get("/")
def hello() -> str:
    return "Hello world"


@app.get("/stream")
def stream() -> ResponseReturnValue:
    count = request.args.get("count", default=len(FRONT_PAGE), type=int)
    response = articles.MGetArticles(MGetArticlesRequest(ids=FRONT_PAGE[:count]))
    logger.info("front page with %d articles", len(response.articles))
    return jsonify([as_json(article) for article in response.articles])


@app.get("/articles/<int:article_id>")
def article(article_id: int) -> ResponseReturnValue:
    try:
        response = articles.GetArticle(GetArticleRequest(id=article_id))
    except ArticleNotFound:
        abort(404)
    if response.BaseResp is not None and response.BaseResp.StatusCode:
        abort(410, response.BaseResp.StatusMessage)
    return jsonify(as_json(response.article))


@app.get("/articles/<int:article_id>/related")
def related_articles(article_id: int) -> ResponseReturnValue:
    """Asks a service that nobody has deployed: the chain shows it as node -1, and why."""
    response = related.MGetArticles(MGetArticlesRequest(ids=[article_id]))
    return jsonify([as_json(article) for article in response.articles])


def as_json(article: Article) -> dict[str, object]:
    return {
        "id": article.id,
        "title": article.title,
        "author": article.author,
        "tags": article.tags,
        "reads": article.reads,
    }
