"""Comments on articles. Nothing here but Django and generated clients."""

import json
import logging

from clients import articles, devices, old_devices
from comments.models import Comment
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from pyrpc.article import MGetArticleMetaByIdsRequest
from pyrpc.device_info import GetInstallationRequest

logger = logging.getLogger(__name__)

MOST_COMMENTS = 20


@csrf_exempt  # Apps post here, not pages.
@require_http_methods(["GET", "POST"])
def comments(request: HttpRequest, article_id: int) -> HttpResponse:
    if request.method == "POST":
        return post(request, article_id)
    found = Comment.objects.filter(article_id=article_id)[:MOST_COMMENTS]
    return JsonResponse(
        {"article": title(article_id), "comments": [as_json(each) for each in found]}
    )


def post(request: HttpRequest, article_id: int) -> HttpResponse:
    try:
        body = json.loads(request.body)
        text, device_id = str(body["text"])[:1000], int(body["device"])
    except (ValueError, KeyError, TypeError):
        return HttpResponseBadRequest('send {"text": "…", "device": 1}')
    ask = GetInstallationRequest(device_id=device_id)
    old = old_devices.GetInstallation(ask).installation
    new = devices.GetInstallation(ask).installation
    if old != new:
        logger.warning(
            "设备 device %d differs: old service %s, new service %s", device_id, old, new
        )
    made = Comment.objects.create(
        article_id=article_id,
        device_id=device_id,
        written_on=new.model if new is not None else "",
        text=text,
    )
    logger.info("评论 comment %d on «%s»", made.pk, title(article_id))
    return JsonResponse(as_json(made), status=201)


def hot(request: HttpRequest) -> HttpResponse:
    """The newest comments of all articles."""
    return JsonResponse({"comments": [as_json(each) for each in Comment.objects.all()[:5]]})


def title(article_id: int) -> str:
    found = articles.MGetArticleMetaByIds(MGetArticleMetaByIdsRequest(ids=[article_id])).articles
    return found[0].title if found else ""


def as_json(comment: Comment) -> dict[str, object]:
    return {
        "id": comment.pk,
        "article": comment.article_id,
        "text": comment.text,
        "written_on": comment.written_on,
        "posted": comment.posted.isoformat(),
    }
