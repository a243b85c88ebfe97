"""The sample catalog as a bare ASGI application."""

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from marketplace.demo.sample_catalog import pages
from marketplace.demo.sample_catalog.products import Edition, SampleProduct
from marketplace.demo.sample_catalog.words import SHOP_DIGITS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HTML, JSON, JPEG, TEXT = "text/html; charset=utf-8", "application/json", "image/jpeg", "text/plain; charset=utf-8"
ROBOTS = "User-agent: *\nAllow: /\n"
RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site answers to one request."""

    kind: str  # as counted by /sample/stats
    status: int = 200
    body: bytes = b""
    media_type: str = HTML
    etag: str = ""
    retry_after_s: int | None = None


class SampleSite:
    """One edition of the sample catalog, served from memory and from a folder of pictures."""

    def __init__(self, edition: Edition, pictures: Path) -> None:
        self._pictures = pictures
        self._products = {product.id: product for product in edition.products}
        self._collections: dict[str, list[SampleProduct]] = {slug: [] for slug in pages.COLLECTIONS}
        for product in edition.products:
            for slug in product.collections:
                self._collections[slug].append(product)
        self._collections = {slug: products for slug, products in self._collections.items() if products}
        self._pages: dict[str, tuple[bytes, str]] = {}
        self._stumbled: set[str] = set()
        self._counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"the sample catalog does not speak {scope['type']}")
        answer = self._answer(scope)
        sent = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        is_fresh = bool(answer.etag) and answer.etag in (tag.strip() for tag in sent.split(","))
        status, body = (304, b"") if is_fresh else (answer.status, answer.body)
        self._counts[f"{answer.kind}_{status}"] += 1
        headers = [(b"content-type", answer.media_type.encode())]
        if status != 304:
            headers.append((b"content-length", str(len(body)).encode()))
        if answer.etag:
            headers += [(b"etag", answer.etag.encode()), (b"cache-control", b"no-cache")]
        if answer.retry_after_s is not None:
            headers.append((b"retry-after", str(answer.retry_after_s).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: Scope) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return Answer("other", 405, b"Method not allowed", TEXT)
        match scope["path"].strip("/").split("/"):
            case ["p", product_id, digits] if digits == SHOP_DIGITS:
                return self._product(product_id)
            case ["media", name]:
                return self._picture(name)
            case ["c", digits] if digits == SHOP_DIGITS:
                counts = {slug: len(products) for slug, products in self._collections.items()}
                return Answer("start", body=pages.start_page(counts).encode())
            case ["c", digits, slug] if digits == SHOP_DIGITS and slug in self._collections:
                return Answer("collection", body=pages.collection_page(slug).encode())
            case ["c", digits, slug, "products.json"] if digits == SHOP_DIGITS and slug in self._collections:
                return self._items(slug, scope["query_string"])
            case ["robots.txt"]:
                return Answer("robots", body=ROBOTS.encode(), media_type=TEXT)
            case ["sample", "stats"]:
                return Answer("stats", body=json.dumps(dict(self._counts)).encode(), media_type=JSON)
        return Answer("other", 404, b"Not found", TEXT)

    def _items(self, slug: str, query: bytes) -> Answer:
        start = parse_qs(query.decode("latin-1")).get("from", ["0"])[0]
        if not start.isdecimal():
            return Answer("items", 400, b"from is a number", TEXT)
        body = pages.collection_items(self._collections[slug], int(start))
        return Answer("items", body=body.encode(), media_type=JSON)

    def _product(self, product_id: str) -> Answer:
        product = self._products.get(product_id)
        if product is None or product.defect == "not_found":
            return Answer("product", 404, b"Not found", TEXT)
        if product.defect in ("error_once", "rate_limited_once") and product_id not in self._stumbled:
            self._stumbled.add(product_id)
            if product.defect == "error_once":
                return Answer("product", 500, b"Internal error", TEXT)
            return Answer("product", 429, b"Too many requests", TEXT, retry_after_s=RETRY_AFTER_S)
        if product_id not in self._pages:
            body = pages.product_page(product).encode()
            self._pages[product_id] = (body, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
        body, etag = self._pages[product_id]
        return Answer("product", body=body, etag=etag)

    def _picture(self, name: str) -> Answer:
        # The name is one segment of a path: it cannot lead out of the folder, unless it is "..".
        path = self._pictures / name
        if not name.endswith(".jpg") or not path.is_file():
            return Answer("picture", 404, b"Not found", TEXT)
        return Answer("picture", body=path.read_bytes(), media_type=JPEG, etag=f'"{name.removesuffix(".jpg")}"')
