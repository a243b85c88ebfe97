"""A site that counts what is asked of it, and knows what a visitor has already."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tests.sample_shop import Answer

Page = str | bytes | tuple[str, str]  # HTML; or bytes; or a media type and a text


class CountedSite:
    """Answers with what `pages` returns for a path and its query; None is a 404. Tells 304 by ETag."""

    def __init__(self, pages: Callable[[str], Page | None]) -> None:
        self.pages = pages
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request."""
        page = self.pages(path)
        with self._lock:
            self.asked[path] += 1
        if page is None:
            return self._told(404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>")
        media_type, text = page if isinstance(page, tuple) else ("text/html; charset=utf-8", page)
        body = text if isinstance(text, bytes) else text.encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if headers.get("If-None-Match") == etag:
            return self._told(304, {"ETag": etag}, b"")
        return self._told(200, {"Content-Type": media_type, "ETag": etag}, body)

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.statuses.clear()

    def _told(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            self.statuses[status] += 1
        return status, headers, body
