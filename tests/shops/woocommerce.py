"""A shop that answers as WordPress with WooCommerce does, made from a seeded catalog.

Sources: developer.woocommerce.com, "Store API"; the plugin's ProductSchema, AbstractTermsRoute and templates;
WordPress' REST and sitemap documentation.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.sample_shop import Answer, small_site
from tests.shops.truth import TruthProduct
from tests.shops.woocommerce_catalog import (
    CATEGORIES,
    COLOURS,
    MARKUP,
    SIZES,
    STATES,
    Item,
    Variation,
    draw_item,
)

HTML = {"Content-Type": "text/html; charset=UTF-8"}
JSON = {"Content-Type": "application/json; charset=UTF-8"}
ARCHIVE_PAGE = 12
SITEMAP_FILE = 2_000


@dataclass
class WooShop:
    """The shop, and how it behaves; what was asked is kept."""

    items: list[Item]
    folder: str = ""  # WordPress' own, such as /blog
    is_pretty: bool = True
    namespace: str = "wc/store/v1"
    says_api: bool = True
    currency: str = "EUR"
    minor_unit: int = 2
    closed: int = 0  # the status with which the interface is refused
    gives_variations: bool = True
    origin: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def site(self) -> str:
        """The front page's address."""
        return f"{self.origin}{self.folder}/"

    def truth(self, *, by_page: bool = False) -> dict[str, TruthProduct]:
        """Return what a right reading stores, by address."""
        truths = [self._truth(item, by_page=by_page) for item in self.items]
        return {truth.address: truth for truth in truths}

    def _truth(self, item: Item, *, by_page: bool) -> TruthProduct:
        low, regular = item.lowest, item.lowest_regular
        is_reduced = low is not None and regular is not None and low < regular
        states = [variation.state for variation in item.variations] or [item.state]
        return TruthProduct(
            external_id=f"woocommerce:{item.id}",
            address=self._permalink(item),
            title=item.name,
            price=None if low is None else self._major(low),
            currency="" if low is None else self.currency,
            # The page of a product that has no price shows neither an offer nor a button.
            availability="unknown" if by_page and low is None else STATES[min(states, key=list(STATES).index)],
            sku=item.sku,
            brand=item.brand,
            list_price=self._major(regular or 0) if is_reduced and not (by_page and item.variations) else None,
            categories=tuple(sorted(self._path(identity) for identity in item.categories)),
            pictures=item.pictures,
            variants=tuple(self._variant_truth(variation) for variation in item.variations),
        )

    def _variant_truth(self, variation: Variation) -> dict[str, Any]:
        options = {"Colour": COLOURS[variation.colour]} | ({"Size": SIZES[variation.size]} if variation.size else {})
        return {
            "id": str(variation.id),
            "title": " / ".join(options.values()),
            "options": options,
            "sku": variation.sku,
            "gtin": "",
            "price": self._major(variation.amount),
            "list_price": self._major(variation.regular) if variation.amount < variation.regular else None,
            "availability": STATES[variation.state],
            "picture": variation.picture,
        }

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request."""
        self.asked.append(path)
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/robots.txt":
            return 200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /wp-admin/\n"
        if not unquote(parts.path).startswith(f"{self.folder}/"):
            return 404, HTML, b"<html>Another site</html>"
        inner = unquote(parts.path).removeprefix(self.folder)
        if "rest_route" in query:
            return self._rest(query["rest_route"], query)
        if inner.startswith("/wp-json/"):
            return self._rest(inner.removeprefix("/wp-json"), query) if self.is_pretty else (404, HTML, b"Not found")
        if inner.endswith(".xml"):
            return self._sitemap(inner)
        return self._page(inner, query)

    def _rest(self, route: str, query: Mapping[str, str]) -> Answer:
        if self.closed:
            return self.closed, JSON, b'{"code":"rest_forbidden","message":"Sorry.","data":{"status":401}}'
        if route == f"/{self.namespace}/products/categories":
            rows = sorted(CATEGORIES, key=lambda identity: CATEGORIES[identity][0])
            return _json([self._category(identity) for identity in rows])
        if route != f"/{self.namespace}/products":
            return 404, JSON, b'{"code":"rest_no_route","message":"No route was found.","data":{"status":404}}'
        per_page, page = int(query.get("per_page", 10)), int(query.get("page", 1))
        if not 1 <= per_page <= 100:
            return 400, JSON, b'{"code":"rest_invalid_param","message":"Invalid parameter(s): per_page"}'
        if query.get("type") == "variation":
            return self._variations(query, per_page, page)
        wanted = set(query["include"].split(",")) if "include" in query else None
        shown = [item for item in self.items if wanted is None or str(item.id) in wanted]
        if query.get("orderby") != "id":
            shown = shown[::-1]
        return self._listed(shown, self._product, per_page, page)

    def _variations(self, query: Mapping[str, str], per_page: int, page: int) -> Answer:
        if not self.gives_variations:
            return 400, JSON, b'{"code":"rest_invalid_param","message":"Invalid parameter(s): type"}'
        parents = set(query["parent"].split(","))
        rows = [(item, one) for item in self.items if str(item.id) in parents for one in item.variations]
        return self._listed(rows, lambda row: self._variation(*row), per_page, page)

    def _listed(self, rows: Sequence[Any], told: Callable[[Any], Any], per_page: int, page: int) -> Answer:
        pages = -(-len(rows) // per_page)
        headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}
        if page < pages:
            headers["Link"] = f'<{self.site}wp-json/{self.namespace}/products?page={page + 1}>; rel="next"'
        return _json([told(row) for row in rows[(page - 1) * per_page : page * per_page]], headers)

    def _category(self, identity: int) -> dict[str, Any]:
        name, parent = CATEGORIES[identity]
        count = sum(identity in item.categories for item in self.items)
        return {
            "id": identity, "name": escape(name), "slug": _slug(name), "description": "", "parent": parent,
            "count": count, "image": None, "review_count": 0, "permalink": self._category_link(identity),
        }  # fmt: skip

    def _category_link(self, identity: int) -> str:
        steps = [_slug(name) for name in self._path(identity).split(" > ")]
        return f"{self.site}product-category/{'/'.join(steps)}/"

    def _path(self, identity: int) -> str:
        name, parent = CATEGORIES[identity]
        return f"{self._path(parent)} > {name}" if parent else name

    def _permalink(self, item: Item) -> str:
        return f"{self.site}product/{item.slug}/" if self.is_pretty else f"{self.site}?product={item.slug}"

    def _product(self, item: Item) -> dict[str, Any]:
        attributes = [
            {"id": 1, "name": "Colour", "taxonomy": "pa_colour", "has_variations": True, "terms": _terms(COLOURS)},
            {"id": 2, "name": "Size", "taxonomy": "pa_size", "has_variations": True, "terms": _terms(SIZES)},
        ]
        states = [variation.state for variation in item.variations] or [item.state]
        return {
            "id": item.id, "name": _texturized(item.name), "slug": item.slug, "parent": 0,
            "type": "variable" if item.variations else "simple", "variation": "", "permalink": self._permalink(item),
            "sku": item.sku, "short_description": item.short, "description": item.description,
            "on_sale": item.lowest != item.lowest_regular, "prices": self._prices(item.lowest, item.lowest_regular),
            "price_html": "" if item.lowest is None else f"<span>{self._major(item.lowest)}</span>",
            "average_rating": "0", "review_count": 0, "images": [_image(picture) for picture in item.pictures],
            "categories": [
                {"id": identity, "name": escape(CATEGORIES[identity][0]), "slug": _slug(CATEGORIES[identity][0]),
                 "link": self._category_link(identity)}
                for identity in item.categories
            ],
            "tags": [], "brands": [{"id": 1, "name": escape(item.brand), "slug": "b"}] if item.brand else [],
            "attributes": attributes if item.variations else [],
            "variations": [
                {"id": one.id, "attributes": [{"name": "Colour", "value": one.colour},
                                              {"name": "Size", "value": one.size or None}]}
                for one in item.variations
            ],
            "has_options": bool(item.variations), "is_purchasable": item.lowest is not None,
            "is_in_stock": any(state != "outofstock" for state in states),
            "is_on_backorder": all(state == "onbackorder" for state in states), "low_stock_remaining": None,
        }  # fmt: skip

    def _variation(self, item: Item, one: Variation) -> dict[str, Any]:
        return {
            "id": one.id, "name": _texturized(item.name), "parent": item.id, "type": "variation",
            "permalink": f"{self._permalink(item)}?attribute_pa_colour={one.colour}", "sku": one.sku,
            "prices": self._prices(one.amount, one.regular), "price_html": "<span>1</span>", "variations": [],
            "images": [_image(one.picture)] if one.picture else [], "is_in_stock": one.state != "outofstock",
            "is_on_backorder": one.state == "onbackorder", "categories": [],
        }  # fmt: skip

    def _prices(self, amount: int | None, regular: int | None) -> dict[str, Any]:
        return {
            "price": str(amount or 0), "regular_price": str(regular or 0), "sale_price": str(amount or 0),
            "price_range": None, "currency_code": self.currency, "currency_symbol": "x",
            "currency_minor_unit": self.minor_unit, "currency_decimal_separator": ",",
        }  # fmt: skip

    def _major(self, amount: int) -> str:
        digits = f"{amount / 10**self.minor_unit:.{self.minor_unit}f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits

    def _sitemap(self, path: str) -> Answer:
        files = [self.items[start : start + SITEMAP_FILE] for start in range(0, len(self.items), SITEMAP_FILE)]
        if path == "/wp-sitemap.xml":
            names = ["posts-post-1", *(f"posts-product-{number + 1}" for number in range(len(files)))]
            names += ["taxonomies-category-1", "taxonomies-product_cat-1", "users-1"]
            return _xml("sitemap", [f"{self.site}wp-sitemap-{name}.xml" for name in names])
        if path == "/wp-sitemap-taxonomies-product_cat-1.xml":
            return _xml("url", [self._category_link(identity) for identity in CATEGORIES])
        number = path.removeprefix("/wp-sitemap-posts-product-").removesuffix(".xml")
        if number.isdecimal() and int(number) <= len(files):
            return _xml("url", [f"{self.site}product/", *(self._permalink(item) for item in files[int(number) - 1])])
        return 404, HTML, b"Not found"

    def _page(self, path: str, query: Mapping[str, str]) -> Answer:
        if path == "/" and "product" not in query:
            return self._html("<h1>Welcome</h1>")
        slug = query.get("product") or path.removeprefix("/product/").rstrip("/")
        item = next((item for item in self.items if item.slug == slug), None)
        if item is not None:
            return self._html(self._product_page(item), self._markup(item), f"single-product postid-{item.id}")
        path, _, page = path.partition("page/")
        for identity in CATEGORIES:
            if urlsplit(self._category_link(identity)).path == f"{self.folder}{path}":
                return self._archive(identity, int(page.strip("/") or 1))
        return 404, HTML, b"<html>Not found</html>"

    def _archive(self, identity: int, page: int) -> Answer:
        shown = [item for item in self.items if identity in item.categories]
        part = shown[(page - 1) * ARCHIVE_PAGE : page * ARCHIVE_PAGE]
        trail, parent = "", CATEGORIES[identity][1]
        while parent:
            trail = f'<a href="{self._category_link(parent)}">{escape(CATEGORIES[parent][0])}</a> / {trail}'
            parent = CATEGORIES[parent][1]
        cards = "".join(
            f'<li class="product type-product"><a href="{self._permalink(item)}" class="woocommerce-LoopProduct-link">'
            f'{escape(item.name)}</a><a href="?add-to-cart={item.id}" class="button">Add</a></li>'
            for item in part
        )
        tile = f'<li class="product-category product"><a href="{self._category_link(22)}">Gifts</a></li>'
        following = f'<a class="next page-numbers" href="{self._category_link(identity)}page/{page + 1}/">→</a>'
        return self._html(
            f'<nav class="woocommerce-breadcrumb"><a href="{self.site}">Home</a> / {trail}'
            f'{escape(CATEGORIES[identity][0])}</nav><h1 class="page-title">{escape(CATEGORIES[identity][0])}</h1>'
            f'<ul class="products">{tile}{cards}</ul>{following if page * ARCHIVE_PAGE < len(shown) else ""}'
        )

    def _markup(self, item: Item) -> str:
        """The JSON-LD that WC_Structured_Data writes."""
        offer: dict[str, Any] = {"@type": "Offer", "url": self._permalink(item)}
        prices = [one.amount for one in item.variations] or [item.amount or 0]
        states = [one.state for one in item.variations] or [item.state]
        state = "outofstock" if set(states) == {"outofstock"} else states[0] if len(set(states)) == 1 else "instock"
        if item.variations and len(set(prices)) > 1:
            offer |= {
                "@type": "AggregateOffer",
                "lowPrice": self._fixed(min(prices)),
                "highPrice": self._fixed(max(prices)),
            }
            offer |= {"offerCount": len(prices), "priceCurrency": self.currency}
        else:
            rule = {"@type": "UnitPriceSpecification", "price": self._fixed(prices[0]), "priceCurrency": self.currency}
            offer |= {"priceSpecification": [rule]}
        offer["availability"] = f"https://schema.org/{MARKUP[state]}"
        product: dict[str, Any] = {
            "@context": "https://schema.org/", "@type": "Product", "@id": f"{self._permalink(item)}#product",
            "name": item.name, "url": self._permalink(item), "description": "Short.", "sku": item.sku or item.id,
            "image": item.pictures[0] if item.pictures else False,
        }  # fmt: skip
        if item.lowest is not None:
            product["offers"] = [offer]
        if item.brand:
            product["brand"] = {"@type": "Brand", "name": item.brand}
        return f'<script type="application/ld+json">{json.dumps(product)}</script>'

    def _fixed(self, amount: Any) -> str:
        return f"{amount / 10**self.minor_unit:.{self.minor_unit}f}"

    def _product_page(self, item: Item) -> str:
        gallery = "".join(
            f'<div class="woocommerce-product-gallery__image"><a href="{picture}"><img src="{picture}"></a></div>'
            for picture in item.pictures
        )
        low, regular = item.lowest, item.lowest_regular
        price = "" if low is None else f"<bdi>{self._fixed(low)} {self.currency}</bdi>"
        if low is not None and not item.variations and low != regular:
            price = f"<del><bdi>{self._fixed(regular)} {self.currency}</bdi></del> <ins>{price}</ins>"
        return (
            f'<div class="product">{gallery}<div class="summary"><h1 class="product_title entry-title">'
            f'{escape(item.name)}</h1><p class="price">{price}</p>'
            f'<div class="woocommerce-product-details__short-description">{item.short}</div>{self._form(item)}'
            f'<div class="product_meta"><span class="sku_wrapper">SKU: <span class="sku">{item.sku or "N/A"}</span>'
            '</span></div></div><div class="woocommerce-Tabs-panel--description" id="tab-description">'
            f"<h2>Description</h2>{item.description}</div></div>"
        )

    def _form(self, item: Item) -> str:
        if not item.variations:
            button = '<form class="cart"><button class="single_add_to_cart_button">Add to cart</button></form>'
            return "" if item.lowest is None else button
        backorder = '<p class="stock available-on-backorder"></p>'
        told = [
            {
                "attributes": {"attribute_pa_colour": one.colour, "attribute_pa_size": one.size},
                "availability_html": backorder if one.state == "onbackorder" else "",
                "display_price": one.amount / 10**self.minor_unit, "sku": one.sku, "variation_id": one.id,
                "display_regular_price": one.regular / 10**self.minor_unit, "is_in_stock": one.state != "outofstock",
                "image": {"full_src": one.picture, "url": one.picture},
            }
            for one in item.variations
        ]  # fmt: skip
        selects = "".join(
            f'<label for="{name}">{label}</label><select id="{name}" name="attribute_{name}"><option value="">Choose'
            + "".join(f'<option value="{slug}">{text}</option>' for slug, text in terms.items())
            + "</select>"
            for name, label, terms in (("pa_colour", "Colour", COLOURS), ("pa_size", "Size", SIZES))
        )
        data = escape(json.dumps(told))
        return f'<form class="variations_form cart" data-product_variations="{data}">{selects}</form>'

    def _html(self, main: str, head: str = "", classes: str = "") -> Answer:
        root = f"{self.site}wp-json/" if self.is_pretty else f"{self.site}index.php?rest_route=/"
        api = f'<link rel="https://api.w.org/" href="{root}">' if self.says_api else ""
        body = (
            '<html><head><meta name="generator" content="WordPress 6.9">'
            f'<meta name="generator" content="WooCommerce 10.4">{api}{head}'
            f'<script src="{self.folder}/wp-content/plugins/woocommerce/assets/js/frontend/cart.js"></script></head>'
            f'<body class="theme-storefront woocommerce-no-js {classes}"><main>{main}</main></body></html>'
        )
        return 200, HTML, body.encode()


@contextmanager
def woo_shop(*, products: int = 60, seed: int = 2, unpriced: bool = True, **behaviour: Any) -> Iterator[WooShop]:
    """Serve a shop of that many products; every tenth has no price, if such are wanted."""
    drawn = random.Random(seed)
    items = [draw_item(drawn, 100 + 40 * number, number, unpriced=unpriced) for number in range(products)]
    shop = WooShop(items, **behaviour)
    with small_site(shop.answer) as origin:
        shop.origin = origin
        yield shop


def change(shop: WooShop, slug: str, **changes: Any) -> None:
    """Change one product of the shop."""
    shop.items = [replace(item, **changes) if item.slug == slug else item for item in shop.items]


def _texturized(name: str) -> str:
    """A name as WordPress' wptexturize leaves it: signs as numbered entities."""
    return escape(name).replace("“", "&#8220;").replace("”", "&#8221;").replace("–", "&#8211;")


def _terms(terms: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"id": place, "name": name, "slug": slug} for place, (slug, name) in enumerate(terms.items(), 1)]


def _slug(name: str) -> str:
    return name.lower().replace(" & ", "-").replace(" ", "-")


def _image(picture: str) -> dict[str, Any]:
    return {"id": 1, "src": picture, "thumbnail": picture, "srcset": "", "sizes": "", "name": "x", "alt": ""}


def _json(data: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return 200, {**JSON, **(headers or {})}, json.dumps(data).encode()


def _xml(kind: str, addresses: Sequence[str]) -> Answer:
    root = "sitemapindex" if kind == "sitemap" else "urlset"
    inner = "".join(f"<{kind}><loc>{escape(address)}</loc></{kind}>" for address in addresses)
    text = f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{root}>'
    return 200, {"Content-Type": "application/xml"}, text.encode()
