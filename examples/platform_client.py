"""The platform's API, as a program uses it."""

import json
import urllib.error
import urllib.request
from typing import Any


class PlatformClient:
    """Asks the platform at ``url``."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self.token = token

    def is_healthy(self) -> bool:
        """Whether the platform answers and can store facts."""
        try:
            return bool(self.get("/api/health")["facts"] == "up")
        except OSError:
            return False

    def services(self) -> list[dict[str, Any]]:
        """Every service the platform knows."""
        return list(self.get("/api/services")["services"])

    def chain(self, logid: str) -> dict[str, Any] | None:
        """One chain, or None while the platform has not seen any of it."""
        try:
            return dict(self.get(f"/api/chains/{logid}"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def get(self, path: str) -> Any:
        """GET a path; raises OSError when it cannot."""
        return self._answer(urllib.request.Request(self._url + path), {})

    def send(self, method: str, path: str, body: Any, *, user: str) -> Any:
        """Change something in the name of a person; raises OSError when it cannot."""
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), method=method)
        return self._answer(request, {"Content-Type": "application/json", "X-Pie-User": user})

    def _answer(self, request: urllib.request.Request, headers: dict[str, str]) -> Any:
        for name, value in ({"Authorization": f"Bearer {self.token}"} | headers).items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
