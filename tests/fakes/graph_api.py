"""Meta's Graph API as far as product catalogs go: tokens, permissions, fields, cursors, errors, rate limits.

Written after developers.facebook.com: "Product Catalog: products", "Paginated results", "Handle errors", "Rate limits".
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.sample_shop import Answer, small_site

VERSION = "v25.0"
TOKEN = "EAAGsystemUserTokenOfTheSeller"
PRODUCT_FIELDS = frozenset(
    {
        "id", "retailer_id", "name", "description", "url", "image_url", "additional_image_urls", "price", "sale_price",
        "currency", "availability", "inventory", "brand", "gtin", "category", "product_type", "review_status",
        "visibility", "condition",
    }
)  # fmt: skip


@dataclass
class GraphApi:
    """What the API knows, and what it was asked."""

    catalogs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    accounts: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "catalog_management"})
    failures: list[Answer] = field(default_factory=list)  # answered first, one a request
    asked: list[str] = field(default_factory=list)
    origin: str = ""

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request as the API does."""
        self.asked.append(path)
        if self.failures:
            return self.failures.pop(0)
        url = urlsplit(path)
        query = dict(parse_qsl(url.query))
        token = headers.get("Authorization", "").removeprefix("Bearer ") or query.get("access_token", "")
        if token not in self.tokens:
            return error(400, 190, "Error validating access token: Session has expired.", subcode=463)
        version, _, rest = url.path.strip("/").partition("/")
        object_id, _, edge = rest.partition("/")
        if version == VERSION and edge == "product_catalogs" and object_id in self.accounts:
            if self.tokens[token] != "catalog_management":
                return error(403, 200, "(#200) Requires catalog_management permission to manage the object.")
            rows = [{"id": catalog, "name": f"Catalog {catalog}"} for catalog in self.accounts[object_id]]
            return self._page(url.path, rows, query, token)
        if version == VERSION and edge == "products" and object_id in self.catalogs:
            if self.tokens[token] != "catalog_management":
                return error(403, 10, "(#10) Application does not have permission for this action")
            wanted = set(query.get("fields", "id,name,retailer_id").split(","))
            unknown = wanted - PRODUCT_FIELDS
            if unknown:
                return error(400, 100, f"(#100) Tried accessing nonexisting field ({min(unknown)})")
            rows = [{name: value for name, value in row.items() if name in wanted} for row in self.catalogs[object_id]]
            return self._page(url.path, rows, query, token)
        return error(
            400,
            100,
            f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
            "permissions, or does not support this operation.",
            subcode=33,
        )

    def _page(self, path: str, rows: list[dict[str, Any]], query: dict[str, str], token: str) -> Answer:
        limit = int(query.get("limit", "25"))
        start = int(base64.b64decode(query["after"])) if query.get("after") else 0
        shown = rows[start : start + limit]
        body: dict[str, Any] = {"data": shown}
        if shown:
            after = base64.b64encode(str(start + len(shown)).encode()).decode()
            body["paging"] = {"cursors": {"before": base64.b64encode(str(start).encode()).decode(), "after": after}}
            if start + limit < len(rows):
                kept = {name: value for name, value in query.items() if name != "access_token"}
                following = {"access_token": token, **kept, "after": after}
                body["paging"]["next"] = f"{self.origin}{path}?{urlencode(following)}"
        return 200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(body).encode()


def error(
    status: int, code: int, message: str, *, subcode: int = 0, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an error as the API writes it."""
    said: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3"}
    if subcode:
        said["error_subcode"] = subcode
    types = {"Content-Type": "application/json; charset=UTF-8"}
    return status, {**types, **(headers or {})}, json.dumps({"error": said}).encode()


def too_many_calls(code: int, *, minutes: int) -> Answer:
    """Return the refusal of one call too many, with the minutes to wait."""
    usage = {
        "178298": [
            {
                "type": "catalog_management",
                "call_count": 100,
                "total_cputime": 25,
                "total_time": 25,
                "estimated_time_to_regain_access": minutes,
            }
        ]
    }
    headers = {"X-Business-Use-Case-Usage": json.dumps(usage)}
    return error(400, code, f"(#{code}) There have been too many calls to this account.", headers=headers)


def product(number: int, **fields: Any) -> dict[str, Any]:
    """Return a product item as the API shows it; what is not named is unremarkable."""
    return {
        "id": str(7_000_000 + number),
        "retailer_id": f"SKU-{number}",
        "name": f"Lamp {number}",
        "description": f"Lamp number {number}.",
        "url": f"https://shop.example/lamps/{number}",
        "image_url": f"https://pictures.example/{number}.jpg",
        "price": f"€{number}.90",
        "currency": "EUR",
        "availability": "in stock",
        "review_status": "approved",
        "visibility": "published",
        **fields,
    }


@contextmanager
def serve(api: GraphApi) -> Iterator[str]:
    """Serve the API on loopback; yields what GRAPH_API_URL is to be."""
    with small_site(api.answer) as origin:
        api.origin = origin
        yield f"{origin}/{VERSION}"
