"""A shop without any markup or sitemap, in German: a mega menu, nested categories, and three ways to page.

Categories: lamps are paged by number (`?seite=2`), chairs by steps of the path (`/page/2/`), mugs by a button whose
answer is JSON with HTML in it, bowls by an offset. Products and categories stand side by side below the root.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from tests.sample_shop import small_site
from tests.shops.counted import CountedSite, Page
from tests.shops.generic_truth import TREE, Ware, draw_wares, kind_of, slug_of, wares_in

PER_PAGE = 3


PATHS = {**TREE, "Chairs": "Living > Wohnen > Chairs"}


def german(amount: Decimal, style: int) -> str:
    """Return a price as German shops write it."""
    whole, cents = divmod(int(amount * 100), 100)
    grouped = f"{whole:,}".replace(",", ".")
    if cents == 0:
        return f"{grouped},- €"
    return (f"{grouped},{cents:02d} €", f"{grouped},{cents:02d}\N{NO-BREAK SPACE}€", f"€ {grouped},{cents:02d}")[
        style % 3
    ]


class BareShop:
    """The shop's pages."""

    def __init__(self, *, products: int = 35) -> None:
        self.wares = [
            replace(ware if ware.number % 7 else _rounded(ware), categories=(PATHS[kind_of(ware)],))
            for ware in draw_wares(products, seed=3)
        ]
        self.address = ""
        self.site = CountedSite(self.page)

    def place_of(self, ware: Ware) -> str:
        """Return the product's address."""
        return f"{self.address}/{ware.slug}"

    def page(self, path: str) -> Page | None:
        """Return what stands at a path."""
        parts = urlsplit(path)
        steps = [step for step in parts.path.split("/") if step]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match steps:
            case []:
                return self._frame("<h1>Hafengasse</h1><p>Schönes für das Haus</p>")
            case ["lighting" | "lamps" | "chairs" | "mugs" | "bowls" | "scarves" as name]:
                return self._list(name, int(query.get("seite", "1")), int(query.get("offset", "0")), query)
            case ["chairs", "page", number]:
                return self._list("chairs", int(number), 0, query)
            case [slug]:
                return self._product(slug)
        return None

    def _frame(self, body: str, title: str = "Schönes für das Haus") -> str:
        return f"""<!doctype html><html lang="de"><head><meta charset="utf-8">
        <title>{title} | Hafengasse</title></head><body>
        <div id="kopf"><a href="/"><img src="/logo.png" alt="Hafengasse"></a><a href="/warenkorb">Warenkorb (0)</a>
</div>
        <nav class="hauptmenu"><ul>
          <li><span>Living</span><div class="mega">
            <div class="spalte"><h4>Wohnen</h4><ul><li><a href="/chairs">Chairs</a></li></ul></div>
            <div class="spalte"><h4><a href="/lighting">Lighting</a></h4></div></div></li>
          <li><button aria-controls="kueche" aria-expanded="false">Kitchen</button></li>
          <li><details><summary>Women</summary><ul><li><a href="/scarves">Scarves</a></li></ul></details></li>
          <li><a href="/kontakt">Kontakt</a></li></ul></nav>
        <div id="kueche"><a href="/mugs">Mugs (15)</a><a href="/bowls">Bowls (15)</a></div>
        <div id="inhalt">{body}</div>
        <div class="fuss"><a href="/impressum">Impressum</a><a href="/agb">AGB</a></div></body></html>"""

    def _list(self, name: str, number: int, offset: int, query: dict[str, str]) -> Page:
        if name == "lighting":
            return self._frame(
                '<h1>Lighting</h1><div class="kacheln"><a href="/lamps"><img src="/l.jpg" alt="Lamps"></a>'
                '<a href="/candles"><img src="/c.jpg" alt="Candles"></a></div>'
            )
        path = next(path for path in PATHS.values() if slug_of(path.rpartition(" > ")[2]) == name)
        wares = wares_in(self.wares, path)
        start = offset or (number - 1) * PER_PAGE
        shown, last = wares[start : start + PER_PAGE], start + PER_PAGE >= len(wares)
        cards = "".join(self._card(ware) for ware in shown)
        if "fragment" in query:
            more = (
                ""
                if last
                else f'<button class="load-more" data-next-url="/mugs?fragment=1&seite={number + 1}">Mehr</button>'
            )
            return "application/json", json.dumps({"html": f'<div class="liste">{cards}</div>{more}', "ok": True})
        paging = {
            "lamps": "".join(f'<a href="/lamps?seite={n}">{n}</a> ' for n in range(1, -(-len(wares) // PER_PAGE) + 1)),
            "chairs": "" if last else f'<a href="/chairs/page/{number + 1}/">Weiter</a>',
            "mugs": ""
            if last
            else '<button class="load-more" data-next-url="/mugs?fragment=1&seite=2">Mehr laden</button>',
            "bowls": "" if last else f'<a href="/bowls?offset={start + PER_PAGE}" title="weiter">»</a>',
        }.get(name, "".join(f'<a href="/scarves?seite={n}">{n}</a>' for n in range(1, -(-len(wares) // PER_PAGE) + 1)))
        related = self._card(self.wares[0])
        return self._frame(
            f"<h1>{name.title()}</h1><p>{len(wares)} Artikel</p><div class='liste'>{cards}</div>"
            f"<div class='seiten pagination'>{paging}</div><section><h3>Zuletzt angesehen</h3>{related}</section>"
        )

    def _card(self, ware: Ware) -> str:
        old = f"<s>{german(ware.list_price, ware.number)}</s> " if ware.list_price else ""
        return (
            f'<div class="kachel"><a href="/{ware.slug}"><img src="/bilder/{ware.slug}.jpg" alt=""></a>'
            f'<div class="text"><a href="/{ware.slug}">{ware.title}</a>'
            f"<br>{old}<b>{german(ware.price, ware.number)}</b></div>"
            f'<a class="merken" href="/merkzettel?add={ware.number}">♡</a></div>'
        )

    def _product(self, slug: str) -> str | None:
        ware = next((ware for ware in self.wares if ware.slug == slug), None)
        if ware is None:
            return None
        old = f"<s>{german(ware.list_price, ware.number)}</s> " if ware.list_price else ""
        stock = "Sofort lieferbar" if ware.is_in_stock else "Ausverkauft"
        buy = "<button>In den Warenkorb</button>" if ware.is_in_stock else ""
        crumbs = " &gt; ".join(step for step in ware.categories[0].split(" > "))
        other = self.wares[(ware.number + 1) % len(self.wares)]
        return self._frame(
            f'<p class="pfad">{crumbs}</p><h1>{ware.title}</h1>'
            f'<img src="/bilder/{ware.slug}.jpg" width="600" height="600">'
            f"<div class='kauf'>{old}<span class='preis'>{german(ware.price, ware.number)}</span> inkl. "
            f"MwSt.<p>{stock}</p>{buy}</div>"
            f"<p>Artikelnummer: {ware.sku}</p><p>Marke: {ware.brand}</p><p>{ware.description}</p>"
            f"<section><h3>Das könnte Ihnen auch gefallen</h3>{self._card(other)}</section>",
            ware.title,
        )


def _rounded(ware: Ware) -> Ware:
    price = Decimal(int(ware.price))
    return replace(ware, price=price, list_price=price * 2 if ware.list_price else None)


@contextmanager
def bare_shop(*, products: int = 35) -> Iterator[BareShop]:
    """Serve the shop on loopback."""
    shop = BareShop(products=products)
    with small_site(shop.site.answer) as address:
        shop.address = address
        yield shop
