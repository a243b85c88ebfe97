"""A shop with markup: JSON-LD and microdata, breadcrumbs, a gzipped sitemap behind an index, and traps.

Its traps are those of real shops: links that sort and filter, session ids, a calendar without end, a list whose pages
never end, categories that lead back to their parents, and a product that stands at two addresses.
"""

import gzip
import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.sample_shop import small_site
from tests.shops.counted import CountedSite, Page
from tests.shops.generic_truth import FEATURED, TREE, Ware, draw_wares, slug_of, wares_in

PER_PAGE = 8
MENU: dict[str, list[str]] = {"Living": ["Chairs"], "Kitchen": ["Mugs", "Bowls"], "Women": ["Scarves"], FEATURED: []}


class SchemaShop:
    """The shop's pages. `address` is known once it is served."""

    def __init__(self, *, products: int = 40, traps: bool = False, seed: int = 1) -> None:
        self.wares = draw_wares(products, seed=seed)
        self.traps = traps
        self.address = ""
        self.site = CountedSite(self.page)

    def place_of(self, ware: Ware) -> str:
        """Return the product's canonical address."""
        return f"{self.address}/p/{ware.slug}"

    def picture_of(self, ware: Ware) -> str:
        """Return the address of the product's picture."""
        return f"{self.address}/media/{ware.slug}.jpg"

    def page(self, path: str) -> Page | None:
        """Return what stands at a path."""
        parts = urlsplit(path)
        steps = [step for step in parts.path.split("/") if step]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match steps:
            case []:
                return self._frame("Harbour Lane", "<h1>Harbour Lane</h1><p>Things for a house.</p>")
            case ["robots.txt"]:
                return "text/plain", f"User-agent: *\nDisallow: /cart\nSitemap: {self.address}/sitemap_index.xml\n"
            case ["sitemap_index.xml"]:
                return "application/xml", self._index()
            case [("products-1.xml.gz" | "products-2.xml.gz") as name]:
                return gzip.compress(self._sitemap(int(name[9]) - 1).encode())
            case ["pages.xml"]:
                return "application/xml", _urlset([f"{self.address}/about-us", f"{self.address}/blog/first-post"])
            case ["p", slug]:
                return self._product(slug)
            case ["c", *names]:
                return self._list(names, query)
            case ["events"] if self.traps:
                return self._calendar(query)
        return None

    def _index(self) -> str:
        names = ("pages.xml", "products-1.xml.gz", "products-2.xml.gz")
        rows = "".join(f"<sitemap><loc>{self.address}/{name}</loc></sitemap>" for name in names)
        return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</sitemapindex>'

    def _sitemap(self, half: int) -> str:
        middle = len(self.wares) // 2
        return _urlset([self.place_of(ware) for ware in (self.wares[:middle], self.wares[middle:])[half]])

    def _frame(self, title: str, body: str, head: str = "") -> str:
        entries = "".join(
            f'<li><a href="/c/{slug_of(name)}">{name}</a>'
            + "".join(f'<ul><li><a href="/c/{slug_of(name)}/{slug_of(sub)}">{sub}</a></li></ul>' for sub in subs)
            + "</li>"
            for name, subs in MENU.items()
        )
        trap = '<li><a href="/c/women/scarves/loop">Loop</a></li>' if self.traps else ""
        return (
            f'<!doctype html><html lang="en"><head><title>{title}</title>{head}</head><body>'
            f'<header><a href="/">Harbour Lane</a><nav><ul>{entries}{trap}<li><a href="/about-us">About us</a>'
            "</li></ul></nav>"
            f'<a href="/cart">Cart</a></header><main>{body}</main>'
            f'<footer><a href="/blog">Blog</a> <a href="/terms">Terms</a></footer></body></html>'
        )

    def _list(self, names: list[str], query: dict[str, str]) -> str | None:
        if self.traps and names == ["women", "scarves", "loop"]:
            return self._endless(int(query.get("page", "1")))
        path = next((p for p in _paths() if [slug_of(step) for step in p.split(" > ")] == names), None)
        if path is None:
            return None
        number = int(query.get("page", "1"))
        wares = wares_in(self.wares, path)
        shown = wares[(number - 1) * PER_PAGE : number * PER_PAGE]
        own = f"/c/{'/'.join(names)}"
        subs = [p for p in _paths() if p.startswith(f"{path} > ") and p.count(" > ") == path.count(" > ") + 1]
        tiles = "".join(
            f'<a class="tile" href="{own}/{slug_of(p.rpartition(" > ")[2])}">{p.rpartition(" > ")[2]}</a>' for p in subs
        )
        facets = ""
        if self.traps:
            facets = (
                f'<div class="filters"><a href="{own}?colour=red">Red</a><a href="{own}?sort=price">By price</a></div>'
                f'<a href="{own}?sid=8f14e45fceea167a5a36dedd4bea2543">Keep</a>'
                '<a href="/events?month=1">Events</a><a href="/c/living">Living goods</a>'
            )
        cards = "".join(self._card(ware, path) for ware in shown)
        following = f'<a rel="next" href="{own}?page={number + 1}">Next</a>' if number * PER_PAGE < len(wares) else ""
        return self._frame(
            path,
            f"<h1>{names[-1].title()}</h1>{tiles}{facets}<ul class=grid>{cards}</ul>"
            f"<div class=pagination>{following}</div>",
        )

    def _card(self, ware: Ware, path: str) -> str:
        tracked = (
            f"/p/{ware.slug}?utm_source=list&sid=8f14e45fceea167a5a36dedd4bea2543" if self.traps else f"/p/{ware.slug}"
        )
        return (
            f'<li class="card"><a href="{tracked}"><img src="/media/{ware.slug}.jpg" alt=""><h3>{ware.title}</h3></a>'
            f"<span class=price>€{ware.price}</span></li>"
        )

    def _endless(self, number: int) -> str:
        """A list that goes on for ever, with the same products on each page in another order."""
        shown = self.wares[:4]
        cards = "".join(self._card(ware, "") for ware in shown)
        return self._frame(
            "Loop",
            f'<h1>Loop</h1><ul>{cards}</ul><a rel="next" href="/c/women/scarves/loop?page={number + 1}">Next</a>',
        )

    def _calendar(self, query: dict[str, str]) -> str:
        month = int(query.get("month", "1"))
        return self._frame("Events", f'<h1>Events</h1><a rel="next" href="/events?month={month + 1}">Next month</a>')

    def _product(self, slug: str) -> str | None:
        ware = next((ware for ware in self.wares if ware.slug == slug), None)
        if ware is None:
            return None
        markup = self._json_ld(ware) if ware.number % 2 == 0 else ""
        body = self._plain(ware) if markup else self._microdata(ware)
        head = f'<link rel="canonical" href="{self.place_of(ware)}">{markup}'
        return self._frame(ware.title, body, head)

    def _json_ld(self, ware: Ware) -> str:
        steps = [*ware.categories[0].split(" > "), ware.title]
        crumbs = [{"@type": "ListItem", "position": place, "name": name} for place, name in enumerate(steps, 1)]
        product = {
            "@type": "Product",
            "name": ware.title,
            "description": ware.description,
            "sku": ware.sku,
            "gtin13": ware.gtin,
            "brand": {"@type": "Brand", "name": ware.brand},
            "image": [self.picture_of(ware)],
            "offers": {
                "@type": "Offer",
                "price": str(ware.price),
                "priceCurrency": ware.currency,
                "availability": f"https://schema.org/{'InStock' if ware.is_in_stock else 'OutOfStock'}",
            },
        }
        graph = {
            "@context": "https://schema.org",
            "@graph": [{"@type": "BreadcrumbList", "itemListElement": crumbs}, product],
        }
        return f'<script type="application/ld+json">{json.dumps(graph)}</script>'

    def _plain(self, ware: Ware) -> str:
        return (
            f"<h1>{ware.title}</h1><img src=/media/{ware.slug}.jpg><p class=price>€{ware.price}</p>"
            f"<p>{ware.description}</p><button>Add to cart</button>"
        )

    def _microdata(self, ware: Ware) -> str:
        state = "InStock" if ware.is_in_stock else "OutOfStock"
        return (
            f'<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">{html.escape(ware.title)}</h1>'
            f'<img itemprop="image" src="/media/{ware.slug}.jpg"><meta itemprop="sku" content="{ware.sku}">'
            f'<meta itemprop="gtin13" content="{ware.gtin}"><span itemprop="brand">{ware.brand}</span>'
            f'<p itemprop="description">{ware.description}</p><div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
            f'<span itemprop="price" content="{ware.price}">€{ware.price}</span>'
            f'<meta itemprop="priceCurrency" content="{ware.currency}">'
            f'<link itemprop="availability" href="https://schema.org/{state}"></div></div>'
        )


def _paths() -> list[str]:
    found: dict[str, None] = {}
    for path in (*TREE.values(), FEATURED):
        steps = path.split(" > ")
        found |= {" > ".join(steps[:depth]): None for depth in range(1, len(steps) + 1)}
    return list(found)


def _urlset(addresses: list[str]) -> str:
    rows = "".join(f"<url><loc>{address}</loc></url>" for address in addresses)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'


@contextmanager
def schema_shop(*, products: int = 40, traps: bool = False) -> Iterator[SchemaShop]:
    """Serve the shop on loopback."""
    shop = SchemaShop(products=products, traps=traps)
    with small_site(shop.site.answer) as address:
        shop.address = address
        yield shop
