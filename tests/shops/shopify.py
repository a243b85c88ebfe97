"""A shop that answers as Shopify's public storefront does, made from a seeded catalog.

Sources: shopify.dev, "Ajax API" (product, cart) and "Liquid: content_for_header"; the list JSON, its limits and the
sitemap's parameters as public shops answer them.
"""

import html
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.sample_shop import Answer, small_site
from tests.shops.shopify_catalog import BARCODES, COLLECTION_NAMES, Item, Variant, draw_item
from tests.shops.truth import TruthProduct

T = TypeVar("T")

ARCHIVE_PAGE = 12
SITEMAP_FILE = 500
ROBOTS = """User-agent: *
Disallow: /admin
Disallow: /cart
Disallow: /orders
Disallow: /checkouts/
Disallow: /carts
Disallow: /account
Disallow: /collections/*sort_by*
Sitemap: {site}/sitemap.xml
"""


@dataclass
class ShopifyShop:
    """The shop, and how it behaves; what was asked is kept."""

    items: list[Item]
    collections: dict[str, str]  # handle: title
    currency: str = "EUR"
    rate: str = "1.0"
    site: str = ""
    offset_limit: int = 25_000
    closed: int = 0  # the status with which all JSON is refused; 200: an HTML page instead
    is_behind_password: bool = False
    says_currency: bool = True
    forbids_cart: bool = True
    empty_collections: frozenset[str] = frozenset()  # whose JSON shows nothing, though their pages do
    theme: str = "json"  # what its product pages hold: the product as JSON, or only markup, as the theme Dawn's
    busy: int = 0  # how many requests are first answered with 429
    asked: list[str] = field(default_factory=list)

    def truth(self, *, by_page: bool = False) -> dict[str, TruthProduct]:
        """Return what a right reading stores, by external id; pages tell barcodes too, and no ids to lists."""
        truths = [self._truth(item, by_page=by_page) for item in self.items]
        return {truth.external_id: truth for truth in truths}

    def _truth(self, item: Item, *, by_page: bool) -> TruthProduct:
        shown = next((variant for variant in item.variants if variant.is_available), item.variants[0])
        states = {variant.is_available for variant in item.variants}
        is_only = not item.option_names
        return TruthProduct(
            external_id=f"shopify:@{item.handle}" if by_page else f"shopify:{item.id}",
            address=f"{self.site}/products/{quote(item.handle)}",
            title=item.title,
            price=_major(shown.cents),
            currency=self.currency if self.rate == "1.0" and (self.says_currency or not self.forbids_cart) else "",
            availability="in_stock" if True in states else "out_of_stock",
            sku=shown.sku,
            brand=item.vendor,
            gtin=(shown.barcode or "") if by_page and shown.barcode in BARCODES[:3] else "",
            list_price=_major(shown.list_cents) if shown.list_cents else None,
            categories=tuple(sorted(self.collections[handle] for handle in item.collections)),
            pictures=item.pictures,
            variants=() if is_only else tuple(self._variant_truth(item, variant, by_page) for variant in item.variants),
        )

    def _variant_truth(self, item: Item, variant: Variant, by_page: bool) -> dict[str, Any]:
        return {
            "id": str(variant.id),
            "title": " / ".join(variant.options),
            "options": dict(zip(item.option_names, variant.options, strict=True)),
            "sku": variant.sku,
            "gtin": (variant.barcode or "") if by_page and variant.barcode in BARCODES[:3] else "",
            "price": _major(variant.cents),
            "list_price": _major(variant.list_cents) if variant.list_cents else None,
            "availability": "in_stock" if variant.is_available else "out_of_stock",
            "picture": item.pictures[variant.picture] if variant.picture is not None else "",
        }

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request."""
        self.asked.append(path)
        if self.busy and path != "/robots.txt":
            self.busy -= 1
            return 429, {"Retry-After": "1"}, b"Too many requests"
        parts = urlsplit(path)._replace(path=unquote(urlsplit(path).path))
        if parts.path == "/robots.txt":
            rules = ROBOTS if self.forbids_cart else ROBOTS.replace("Disallow: /cart\n", "")
            return 200, {"Content-Type": "text/plain"}, rules.format(site=self.site).encode()
        if self.is_behind_password and parts.path != "/password":
            return 302, {"Location": f"{self.site}/password"}, b""
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith((".json", ".js")):
            return self._json(parts.path, query)
        if parts.path.endswith(".xml"):
            return self._sitemap(parts.path, query)
        return self._page(parts.path, query)

    def _json(self, path: str, query: Mapping[str, str]) -> Answer:
        names = path.strip("/").split("/")
        if self.closed and not path.endswith("/cart.js"):
            return (200, HTML, b"<html><p>Not here</p></html>") if self.closed == 200 else (self.closed, JSON, b"{}")
        match names:
            case ["cart.js"]:
                return _json({"token": "c1", "items": [], "item_count": 0, "currency": self.currency})
            case ["products.json"]:
                return self._listed(self.items, self._in_list, "products", query)
            case ["collections.json"]:
                return self._listed(list(self.collections), self._collection, "collections", query)
            case ["collections", handle, "products.json"] if handle in self.collections:
                shown = [item for item in self.items if handle in item.collections]
                shown = [] if handle in self.empty_collections else shown
                return self._listed(shown, self._in_list, "products", query)
            case ["products", name] if (item := self._item(name.removesuffix(".js"))) and name.endswith(".js"):
                return _json(self._ajax(item))
        return 404, JSON, b'{"errors":"Not Found"}'

    def _listed(self, rows: list[T], told: Callable[[T], Any], name: str, query: Mapping[str, str]) -> Answer:
        limit, page = min(int(query.get("limit", 30)), 250), int(query.get("page", 1))
        if limit * page > self.offset_limit:
            return 400, JSON, f'{{"errors":"Page * Limit exceeds the {self.offset_limit} limit."}}'.encode()
        return _json({name: [told(row) for row in rows[(page - 1) * limit : page * limit]]})

    def _item(self, handle: str) -> Item | None:
        return next((item for item in self.items if item.handle == handle), None)

    def _collection(self, handle: str) -> dict[str, Any]:
        count = sum(handle in item.collections for item in self.items)
        return {
            "id": sum(map(ord, handle)), "title": self.collections[handle], "handle": handle, "description": "",
            "published_at": "2026-01-05T09:00:00+01:00", "updated_at": "2026-02-01T09:00:00+01:00", "image": None,
            "products_count": count,
        }  # fmt: skip

    def _in_list(self, item: Item) -> dict[str, Any]:
        names = item.option_names or ("Title",)
        return {
            "id": item.id, "title": item.title, "handle": item.handle, "body_html": item.body,
            "published_at": "2026-01-05T09:00:00+01:00", "created_at": "2026-01-05T09:00:00+01:00",
            "updated_at": "2026-02-01T09:00:00+01:00", "vendor": item.vendor, "product_type": "Lamps", "tags": ["a"],
            "variants": [self._listed_variant(item, variant, place) for place, variant in enumerate(item.variants, 1)],
            "images": [self._image(item, place) for place in range(len(item.pictures))],
            "options": [
                {"name": name, "position": place, "values": sorted({str(_option(v, place - 1)) for v in item.variants})}
                for place, name in enumerate(names, 1)
            ],
        }  # fmt: skip

    def _listed_variant(self, item: Item, variant: Variant, place: int) -> dict[str, Any]:
        return {
            "id": variant.id, "title": " / ".join(variant.options) or "Default Title",
            **{f"option{number + 1}": _option(variant, number) for number in range(3)},
            "sku": variant.sku or None, "requires_shipping": True, "taxable": True,
            "featured_image": None if variant.picture is None else self._image(item, variant.picture),
            "available": variant.is_available, "price": f"{variant.cents / 100:.2f}", "grams": 0,
            "compare_at_price": f"{variant.list_cents / 100:.2f}" if variant.list_cents else None, "position": place,
            "product_id": item.id, "created_at": "2026-01-05T09:00:00+01:00", "updated_at": "2026-02-01T09:00:00+01:00",
        }  # fmt: skip

    def _image(self, item: Item, place: int) -> dict[str, Any]:
        return {
            "id": item.id * 10 + place, "created_at": "2026-01-05T09:00:00+01:00", "position": place + 1,
            "updated_at": "2026-01-05T09:00:00+01:00", "product_id": item.id, "variant_ids": [],
            "src": item.pictures[place], "width": 1200, "height": 900,
        }  # fmt: skip

    def _ajax(self, item: Item) -> dict[str, Any]:
        """The product as `/products/<handle>.js` and the Liquid filter `json` write it: prices in hundredths."""
        names = item.option_names or ("Title",)
        return {
            "id": item.id, "title": item.title, "handle": item.handle, "description": item.body, "vendor": item.vendor,
            "type": "Lamps", "tags": ["a"], "price": min(variant.cents for variant in item.variants),
            "available": any(variant.is_available for variant in item.variants),
            "variants": [
                {
                    "id": variant.id, "title": " / ".join(variant.options) or "Default Title",
                    **{f"option{number + 1}": _option(variant, number) for number in range(3)},
                    "sku": variant.sku or None, "available": variant.is_available, "price": variant.cents,
                    "compare_at_price": variant.list_cents, "barcode": variant.barcode,
                    "featured_image": None if variant.picture is None else {"src": item.pictures[variant.picture][6:]},
                }
                for variant in item.variants
            ],
            "images": [picture.removeprefix("https:") for picture in item.pictures], "options": list(names),
        }  # fmt: skip

    def _sitemap(self, path: str, query: Mapping[str, str]) -> Answer:
        kind = path.strip("/")
        files = [self.items[start : start + SITEMAP_FILE] for start in range(0, len(self.items), SITEMAP_FILE)]
        if kind == "sitemap.xml":
            names = [
                f"sitemap_products_{number}.xml?from={part[0].id}&amp;to={part[-1].id}"
                for number, part in enumerate(files, 1)
            ]
            names += ["sitemap_pages_1.xml?from=1&amp;to=9", "sitemap_collections_1.xml?from=1&amp;to=9"]
            names += [f"de/{name}" for name in names]
            return _xml("sitemapindex", "".join(f"<sitemap><loc>{self.site}/{name}</loc></sitemap>" for name in names))
        if not {"from", "to"} <= query.keys():
            return 400, HTML, b"Bad Request"
        if kind.startswith("sitemap_collections_"):
            return _xml(
                "urlset", "".join(f"<url><loc>{self.site}/collections/{h}</loc></url>" for h in self.collections)
            )
        shown = [item for item in self.items if int(query["from"]) <= item.id <= int(query["to"])]
        return _xml(
            "urlset",
            f"<url><loc>{self.site}/</loc><changefreq>daily</changefreq></url>"
            + "".join(
                f"<url><loc>{self.site}/products/{quote(item.handle)}</loc><lastmod>2026-02-01T09:00:00+01:00</lastmod>"
                + "".join(f"<image:image><image:loc>{picture}</image:loc></image:image>" for picture in item.pictures)
                + "</url>"
                for item in shown
            ),
        )

    def _page(self, path: str, query: Mapping[str, str]) -> Answer:
        match path.strip("/").split("/"):
            case [""] | ["password"]:
                return self._html("<h1>Welcome</h1>")
            case ["products", handle] if (item := self._item(handle)) and self.theme == "markup":
                return self._html(self._buy_box(item), self._markup(item))
            case ["products", handle] if item := self._item(handle):
                told = json.dumps(self._ajax(item)).replace("</", "<\\/")
                other = json.dumps(self._ajax(self.items[-1])).replace("</", "<\\/")
                return self._html(
                    f'<script type="application/json" data-related>{other}</script><h1>{html.escape(item.title)}</h1>'
                    f'<script type="application/json" id="ProductJson-1">{told}</script>',
                    f'<meta property="og:title" content="{html.escape(item.title)}">',
                )
            case ["collections", handle] if handle in self.collections:
                return self._archive(handle, int(query.get("page", 1)))
        return 404, HTML, b"<html>404</html>"

    def _buy_box(self, item: Item) -> str:
        shown = next((variant for variant in item.variants if variant.is_available), item.variants[0])
        was = f"<s>{shown.list_cents / 100:.2f} {self.currency}</s>" if shown.list_cents else ""
        button = "<button name=add>Add to cart</button>" if shown.is_available else "<button disabled>Sold out</button>"
        return (
            f"<div class=product__info><h1>{html.escape(item.title)}</h1><div class=price>"
            f'{was}<span class="price-item">{shown.cents / 100:.2f} {self.currency}</span></div>{button}</div>'
            f'<div class="product__description">{item.body}</div>'
        )

    def _markup(self, item: Item) -> str:
        """The head of a page whose theme relies on the Liquid filter `structured_data`."""
        address = f"{self.site}/products/{quote(item.handle)}"
        variants = [
            {
                "@id": f"/products/{item.handle}?variant={variant.id}#variant", "@type": "Product",
                "name": f"{item.title} - {' / '.join(variant.options)}" if variant.options else item.title,
                "offers": {
                    "@type": "Offer", "price": f"{variant.cents / 100:.2f}", "priceCurrency": self.currency,
                    "availability": f"http://schema.org/{'InStock' if variant.is_available else 'OutOfStock'}",
                    "url": f"{address}?variant={variant.id}",
                },
                **({"sku": variant.sku} if variant.sku else {}),
            }
            for variant in item.variants
        ]  # fmt: skip
        told: dict[str, Any] = {
            "@context": "http://schema.org/", "@id": f"/products/{item.handle}#product", "url": address,
            "name": item.title, "brand": {"@type": "Brand", "name": item.vendor}, "description": item.text,
        }  # fmt: skip
        if item.option_names:
            told |= {"@type": "ProductGroup", "productGroupID": str(item.id), "hasVariant": variants}
        else:
            told = {**variants[0], **told, "@type": "Product"}
        metas = "".join(f'<meta property="og:image" content="{picture}">' for picture in item.pictures)
        return (
            f'<link rel="canonical" href="{address}"><meta property="og:title" content="{html.escape(item.title)}">'
            f'{metas}<script type="application/ld+json">{json.dumps(told)}</script>'
        )

    def _archive(self, handle: str, page: int) -> Answer:
        shown = [item for item in self.items if handle in item.collections]
        part = shown[(page - 1) * ARCHIVE_PAGE : page * ARCHIVE_PAGE]
        cards = "".join(
            f'<a href="/collections/{handle}/products/{quote(item.handle)}?pos=1">{item.id}</a>' for item in part
        )
        is_more = page * ARCHIVE_PAGE < len(shown)
        # The class is what Shopify's own theme Dawn gives to the arrow that leads on.
        arrow = f'<a class="pagination__item--prev" href="/collections/{handle}?page={page + 1}">→</a>'
        first = f'<a href="/collections/{handle}?page=1">1</a>'
        following = first + arrow if is_more else first
        return self._html(f"<h1>{html.escape(self.collections[handle])}</h1>{cards}{following}")

    def _html(self, main: str, head: str = "") -> Answer:
        told = json.dumps({"active": self.currency, "rate": self.rate})
        currency = f"Shopify.currency = {told};" if self.says_currency else ""
        body = (
            f'<html><head><meta name="shopify-digital-wallet" content="/1/digital_wallets/dialog">{head}'
            f'<script>var Shopify = Shopify || {{}};\nShopify.shop = "lamps.myshopify.com";\n{currency}\n'
            'Shopify.theme = {"name":"Dawn","id":1};\nShopify.routes.root = "/";</script></head><body>'
            f'<header><a href="/products/{self.items[0].handle}">Our best</a></header>'
            f'<main id="MainContent">{main}</main></body></html>'
        )
        return 200, {**HTML, "powered-by": "Shopify", "x-shopid": "200300"}, body.encode()


HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


@contextmanager
def shopify_shop(*, products: int = 60, seed: int = 1, share: float = 0.4, **behaviour: Any) -> Iterator[ShopifyShop]:
    """Serve a shop of that many products; each collection holds that share of them."""
    drawn = random.Random(seed)
    handles = {name.lower().replace(" & ", "-").replace(" ", "-"): name for name in COLLECTION_NAMES}
    items = [draw_item(drawn, 7_000_000 + 13 * number, number, list(handles), share) for number in range(products)]
    shop = ShopifyShop(items, handles, **behaviour)
    with small_site(shop.answer) as site:
        shop.site = site
        yield shop


def without(shop: ShopifyShop, handle: str) -> None:
    """Take a product out of the shop."""
    shop.items = [item for item in shop.items if item.handle != handle]


def dearer(shop: ShopifyShop, handle: str) -> None:
    """Raise a product's prices by 1.00."""
    shop.items = [
        replace(item, variants=tuple(replace(variant, cents=variant.cents + 100) for variant in item.variants))
        if item.handle == handle
        else item
        for item in shop.items
    ]


def _option(variant: Variant, place: int) -> str | None:
    if not variant.options:
        return "Default Title" if place == 0 else None
    return variant.options[place] if place < len(variant.options) else None


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}".rstrip("0").rstrip(".")


def _json(data: Any) -> Answer:
    return 200, JSON, json.dumps(data, separators=(",", ":")).encode()


def _xml(root: str, inner: str) -> Answer:
    spaces = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    spaces += ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {spaces}>{inner}</{root}>'
    return 200, {"Content-Type": "application/xml"}, text.encode()
