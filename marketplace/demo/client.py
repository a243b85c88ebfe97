"""A client of Souk's HTTP API that does not mind when the web process is away for a while."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

AWAY_LIMIT_S = 90.0
RETRY_EVERY_S = 0.2
REQUEST_TIMEOUT_S = 30.0


class ApiError(Exception):
    """The API did not do what the demo asked for."""

    code = "demo.api"


class Client:
    """Speaks to one web address, with an API key once there is one."""

    def __init__(self, web_url: str) -> None:
        """Remember where; nothing is sent yet."""
        self._address = urlsplit(web_url).netloc
        self.api_key = ""

    def get(self, path: str, **query: str | int) -> Any:
        """Return what stands at path."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send body to path and return the answer."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Change what stands at path."""
        return self._ask("PATCH", path, body)

    def pages(self, path: str, **query: str | int) -> list[Any]:
        """Return the results of all pages of a list."""
        page = self.get(path, **query)
        found = list(page["results"])
        while page["next"]:
            onward = urlsplit(page["next"])
            page = self.get(f"{onward.path}?{onward.query}")
            found += page["results"]
        return found

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """Send a request, again while nobody answers or the answer is to come later.

        Raises:
            ApiError: refused, or no answer within AWAY_LIMIT_S.
        """
        deadline = time.monotonic() + AWAY_LIMIT_S
        while True:
            pause_s = RETRY_EVERY_S
            try:
                status, headers, text = self._send(method, path, body)
                if status < 400:
                    return json.loads(text)
                problem = f"{method} {path}: {status} {text[:500]}"
                if status == 429:
                    pause_s = float(headers.get("Retry-After", "1"))
                elif status < 500:
                    raise ApiError(problem)
            except (OSError, http.client.HTTPException) as error:
                problem = f"{method} {path}: {error!r}"
            if time.monotonic() + pause_s > deadline:
                raise ApiError(problem)
            time.sleep(pause_s)  # before asking again

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, http.client.HTTPMessage, str]:
        headers = {"Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self._address, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()
