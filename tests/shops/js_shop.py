"""A shop whose pages are empty until their script has asked a JSON interface and built them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.sample_shop import small_site
from tests.shops.counted import CountedSite, Page
from tests.shops.generic_truth import TREE, Ware, draw_wares, kind_of, slug_of, wares_in

PER_PAGE = 5
SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loading</title></head>
<body><div id="app"></div><noscript>Please switch JavaScript on.</noscript><script src="/app.js"></script></body>
</html>"""
SCRIPT = """
const app = document.getElementById("app"), path = location.pathname;
const make = (tag, attributes, ...inner) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...inner);
  return node;
};
const ask = place => fetch(place).then(reply => reply.json());
(async () => {
  const menu = await ask("/api/menu");
  const entries = menu.map(one => make("li", {}, make("a", {href: one.address}, one.name)));
  app.append(make("nav", {}, make("ul", {}, ...entries)));
  const main = make("main");
  app.append(main);
  if (path.startsWith("/shop/")) {
    const page = Number(new URLSearchParams(location.search).get("page") || 1);
    const list = await ask(`/api/list${path.slice(5)}?page=${page}`);
    main.append(make("h1", {}, list.name));
    const grid = make("div", {class: "grid"});
    for (const item of list.items) {
      grid.append(make("article", {class: "card"},
        make("a", {href: `/item/${item.slug}`}, make("img", {src: `/media/${item.slug}.jpg`}),
          make("h3", {}, item.title)),
        make("span", {class: "price"}, `$${item.price} USD`)));
    }
    main.append(grid);
    const following = {rel: "next", href: `${path}?page=${page + 1}`};
    if (list.more) main.append(make("div", {class: "pager"}, make("a", following, "Next")));
  } else if (path.startsWith("/item/")) {
    const item = await ask(`/api${path}`);
    document.title = item.title;
    const markup = make("script", {type: "application/ld+json"}, JSON.stringify(item.markup));
    document.head.append(markup);
    document.head.append(make("meta", {property: "og:title", content: item.title}));
    main.append(make("h1", {}, item.title), make("p", {class: "price"}, `$${item.price} USD`));
    main.append(make("button", {}, "Add to cart"));
  } else {
    main.append(make("h1", {}, "Harbour Lane"), make("p", {}, "A shop that is built while you wait. ".repeat(3)));
  }
})();
"""


class JsShop:
    """The shop's pages and its interface."""

    def __init__(self, *, products: int = 20) -> None:
        self.wares = draw_wares(products, seed=5, currency="USD")
        self.address = ""
        self.site = CountedSite(self.page)

    def place_of(self, ware: Ware) -> str:
        """Return the product's address."""
        return f"{self.address}/item/{ware.slug}"

    def categories_of(self, ware: Ware) -> tuple[str, ...]:
        """Return the paths of the categories that the shop shows the product in."""
        return (kind_of(ware),)

    def page(self, path: str) -> Page | None:
        """Return what stands at a path."""
        parts = urlsplit(path)
        steps = [step for step in parts.path.split("/") if step]
        match steps:
            case [] | ["shop", *_] | ["item", _]:
                return SHELL
            case ["app.js"]:
                return "text/javascript", SCRIPT
            case ["api", "menu"]:
                menu = [{"name": name, "address": f"/shop/{slug_of(name)}"} for name in TREE]
                return "application/json", json.dumps(menu)
            case ["api", "list", name]:
                return "application/json", self._list(name, int(parse_qs(parts.query).get("page", ["1"])[0]))
            case ["api", "item", slug]:
                return self._item(slug)
        return None

    def _list(self, slug: str, number: int) -> str:
        name = next(name for name in TREE if slug_of(name) == slug)
        wares = wares_in(self.wares, TREE[name])
        shown = wares[(number - 1) * PER_PAGE : number * PER_PAGE]
        items = [{"slug": ware.slug, "title": ware.title, "price": str(ware.price)} for ware in shown]
        return json.dumps({"name": name, "items": items, "more": number * PER_PAGE < len(wares)})

    def _item(self, slug: str) -> Page | None:
        ware = next((ware for ware in self.wares if ware.slug == slug), None)
        if ware is None:
            return None
        markup = {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": ware.title,
            "sku": ware.sku,
            "brand": ware.brand,
            "image": f"{self.address}/media/{ware.slug}.jpg",
            "offers": {"@type": "Offer", "price": str(ware.price), "priceCurrency": "USD", "availability": "InStock"},
        }
        return "application/json", json.dumps({"title": ware.title, "price": str(ware.price), "markup": markup})


@contextmanager
def js_shop(*, products: int = 20) -> Iterator[JsShop]:
    """Serve the shop on loopback."""
    shop = JsShop(products=products)
    with small_site(shop.site.answer) as address:
        shop.address = address
        yield shop
