"""Rules worth looking at, published as a person would: over the API, with a reason.

`pie rules`, `pie rules explain`, the governance page and the chains show what they do.
"""

from typing import Any

from platform_client import PlatformClient

ARTICLE, DEVICE = "toutiao.article.article", "toutiao.device.device_info"
CANARY = "canary"
"""The cluster of article that a part of the calls is routed to."""
OWNER = "lihua"

ACCESS: dict[str, Any] = {
    "scope": {"caller": "toutiao.discuss.*"},
    "body": {"effect": "deny", "dry_run": True},
}
"""Refuses the discussion service, in dry run: its calls are noted and admitted."""
ROUTE: dict[str, Any] = {"scope": {}, "body": {"clusters": {"default": 80, CANARY: 20}}}
RATE: dict[str, Any] = {
    "scope": {"caller": "toutiao.stream.api", "method": "MGetArticleMetaByIds"},
    "body": {"qps": 4, "burst": 1},
}
"""Bites a little, when requests happen to come close together."""


def publish(client: PlatformClient, *, limits: bool) -> None:
    """Publish them.

    Args:
        client: of the platform.
        limits: the rate too, which rejects some calls.
    """
    _publish(client, DEVICE, "server", "access", ACCESS, "discuss asks too much; who would break?")
    _publish(client, ARTICLE, "callers", "route", ROUTE, "1.4.3 on a fifth of the calls")
    if limits:
        _publish(client, ARTICLE, "server", "rate", RATE, "the stream may not crowd out the others")


def _publish(
    client: PlatformClient, psm: str, side: str, kind: str, rule: dict[str, Any], comment: str
) -> None:
    """Unless an earlier demo in the same folder did."""
    path = f"/api/rules/{psm}/{side}/{kind}"
    if client.get(path)["head"]["version"] == 0:
        body = {"rules": [rule], "seen": 0, "comment": comment}
        client.send("PUT", path, body, user=OWNER)
