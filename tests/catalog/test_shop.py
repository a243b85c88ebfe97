"""Any shop, from its address to stored products, through the real tasks, on sample shops with a truth each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog.browser import close_process_browser
from catalog.listings import file_by_breadcrumbs
from catalog.models import Site
from catalog.reading import SiteReader
from catalog.robots import forget_rules
from catalog.sources.shop import ShopSource
from catalog.sources.source import Clues, ListPage
from jobs.models import Job
from marketplace.models import Category, Product, ProductCategory
from tests.sample_shop import Answer, small_site
from tests.shops.bare_shop import bare_shop
from tests.shops.counted import Page
from tests.shops.generic_truth import Ware, stored_categories
from tests.shops.js_shop import js_shop
from tests.shops.schema_shop import SchemaShop, schema_shop
from tests.shops.scraping import Scraper, list_jobs, scraper

LIVE = {"status": Product.Status.LIVE, "embedding_fingerprint": "x"}


@pytest.fixture
def scrape(db: None, settings: Any) -> Iterator[Scraper]:
    with scraper(settings) as run:
        yield run


def stored() -> dict[str, Product]:
    return {product.address: product for product in Product.objects.all()}


def differences(wares: Iterable[Ware], places: Mapping[int, str], fields: Iterable[str]) -> list[str]:
    """Return where what is stored differs from the truth."""
    rows = stored()
    found: list[str] = []
    for ware in wares:
        row = rows[places[ware.number]]
        availability = "in_stock" if ware.is_in_stock else "out_of_stock"
        truth = {
            "title": ware.title,
            "price": ware.price,
            "currency": ware.currency,
            "availability": availability,
            "sku": ware.sku,
            "brand": ware.brand,
            "gtin": ware.gtin,
        }
        found += [
            f"{row.address} {field}: {getattr(row, field)!r} for {truth[field]!r}"
            for field in fields
            if getattr(row, field) != truth[field]
        ]
    return found


def test_a_shop_with_markup_is_read_completely_and_exactly(scrape: Scraper) -> None:
    with schema_shop() as shop:
        sync = scrape(shop.address)
        places = {ware.number: shop.place_of(ware) for ware in shop.wares}

    assert set(stored()) == set(places.values())
    fields = ("title", "price", "currency", "availability", "sku", "brand", "gtin")
    assert differences(shop.wares, places, fields) == []
    assert {row.canonical_address for row in stored().values()} == set(places.values())
    assert {row.address: row.picture_addresses for row in stored().values()} == {
        shop.place_of(ware): [shop.picture_of(ware)] for ware in shop.wares
    }
    assert stored_categories() == {shop.place_of(ware): set(ware.categories) for ware in shop.wares}
    assert Counter(job["state"] for job in list_jobs(sync)) == {"completed": len(list_jobs(sync))}
    kinds = dict(Category.objects.values_list("path", "kind"))
    assert kinds == {
        "Living": "product",
        "Living > Chairs": "product",
        "Living > Lighting": "product",
        "Living > Lighting > Lamps": "product",
        "Kitchen": "product",
        "Kitchen > Bowls": "product",
        "Kitchen > Mugs": "product",
        "Sale": "featured",
        "Women": "demographic",
        "Women > Scarves": "product",
    }


def test_a_shop_without_markup_or_sitemap_is_read_completely_and_exactly(scrape: Scraper) -> None:
    with bare_shop() as shop:
        scrape(shop.address)
        places = {ware.number: shop.place_of(ware) for ware in shop.wares}

    assert set(stored()) == set(places.values())
    assert differences(shop.wares, places, ("title", "price", "currency", "availability", "sku", "brand")) == []
    assert stored_categories() == {shop.place_of(ware): set(ware.categories) for ware in shop.wares}


def test_a_shop_that_needs_scripts_is_rendered_and_that_is_remembered(scrape: Scraper) -> None:
    with js_shop(products=6) as shop:
        scrape(shop.address)
        places = {ware.number: shop.place_of(ware) for ware in shop.wares}

    assert set(stored()) == set(places.values())
    assert differences(shop.wares, places, ("title", "price", "currency", "sku", "brand")) == []
    assert stored_categories() == {shop.place_of(ware): set(shop.categories_of(ware)) for ware in shop.wares}
    assert Site.objects.get().needs_browser is True


def test_a_second_sync_asks_less_and_changes_nothing(scrape: Scraper) -> None:
    with bare_shop(products=30) as shop:
        scrape(shop.address)
        Product.objects.update(**LIVE, last_seen_at=timezone.now())
        first = sum(shop.site.asked.values())
        shop.site.forget()
        before = list(Product.objects.order_by("pk").values_list("pk", "external_id", "content_hash"))
        again = scrape(shop.address)

    assert sum(shop.site.asked.values()) < first
    assert not {"/sitemap.xml", "/sitemap_index.xml", "/wp-sitemap.xml"} & set(shop.site.asked)
    assert shop.site.statuses[304] == 30
    assert list(Product.objects.order_by("pk").values_list("pk", "external_id", "content_hash")) == before
    assert not Job.objects.filter(grp=again.group).exclude(
        task__in=("sync-seller", "scrape-catalog", "scrape-product", "finish-sync")
    )


def test_traps_end_and_say_why(scrape: Scraper) -> None:
    with schema_shop(traps=True) as shop:
        sync = scrape(shop.address)
        asked = dict(shop.site.asked)

    assert set(stored()) == {shop.place_of(ware) for ware in shop.wares}
    skipped: Counter[str] = Counter()
    for job in list_jobs(sync):
        assert job["state"] == "completed"
        skipped.update(job["result"].get("skipped", {}))
    assert skipped["repeated page"] == 1
    assert skipped["facet"] > 0
    assert skipped["content"] > 0
    assert skipped["narrowed list"] > 0
    assert not [path for path in asked if "sid=" in path or "sort=" in path or "colour=" in path or "events" in path]
    assert max(asked.values()) <= 2


def test_a_list_without_end_stops_at_the_cap_and_says_so(scrape: Scraper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.sources.shop.MAX_PAGES", 5)

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        number = int(path.partition("page=")[2] or 1)
        if path.startswith("/lamps"):
            cards = "".join(
                f'<li><a href="/p/lamp-{number}-{place}"><img src="/x.jpg"><h3>Lamp {place}</h3></a><b>5 €</b></li>'
                for place in range(3)
            )
            body = f'<main><ul>{cards}</ul><a rel="next" href="/lamps?page={number + 1}">Next</a></main>'
        elif path.startswith("/p/"):
            body = '<main><h1>Lamp</h1><span class="price">5 €</span><button>Add to cart</button></main>'
        else:
            body = '<nav><a href="/lamps">Lamps</a><a href="/about">About</a></nav><main><h1>Shop</h1></main>'
        is_known = path == "/" or path.startswith(("/lamps", "/p/"))
        return 200 if is_known else 404, {"Content-Type": "text/html"}, f"<html><body>{body}</body></html>".encode()

    with small_site(answer) as address:
        sync = scrape(address)

    assert Product.objects.count() == 15
    assert [job["result"]["skipped"].get("pages beyond the cap") for job in list_jobs(sync)][-1] == 1


def test_a_product_at_two_addresses_is_one_original_and_its_copy(scrape: Scraper) -> None:
    with schema_shop(products=10) as shop:
        shop.wares = shop.wares[:10]
        place = shop.place_of(shop.wares[0])
        serve = shop.page

        def page(path: str) -> Any:
            if path == "/sitemap_index.xml":
                rows = f"<url><loc>{place}</loc></url><url><loc>{place}-again</loc></url>"
                return "application/xml", f"<urlset>{rows}</urlset>"
            return serve(path.replace("-again", ""))

        shop.site.pages = page
        scrape(shop.address)

    copies = Product.objects.exclude(duplicate_of=None).values_list("address", "duplicate_of__address")
    assert list(copies) == [(f"{place}-again", place)]


def test_a_page_that_is_no_shop_is_read_by_no_source(scrape: Scraper) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        return 200 if path == "/" else 404, {"Content-Type": "text/html"}, b"<h1>Closed</h1><p>Gone fishing</p>"

    with small_site(answer) as address:
        sync = scrape(address)

    job = Job.objects.get(grp=sync.group, task="scrape-catalog")
    assert (job.state, job.error_code) == ("failed", "catalog.unsupported_address")


def test_what_is_known_of_a_site_is_read_anew_after_seven_days(scrape: Scraper) -> None:
    with schema_shop(products=10) as shop:
        scrape(shop.address)
        site = Site.objects.get()
        assert site.source == "shop"
        assert site.evidence[0]["source"] == "shop"
        assert [node["name"] for node in site.navigation] == ["Living", "Kitchen", "Women", "Sale"]
        assert site.templates == {"/p/<phrase>": "product"}
        assert {told["address"]: told["products"] for told in site.sitemaps} == _counts(shop)
        assert (site.expires_at - site.read_at).days == 7
        Site.objects.update(expires_at=timezone.now(), navigation=[{"name": "Old", "address": shop.address + "/old"}])
        scrape(shop.address)

    assert [node["name"] for node in Site.objects.get().navigation] == ["Living", "Kitchen", "Women", "Sale"]


def _counts(shop: SchemaShop) -> dict[str, int]:
    half = len(shop.wares) // 2
    rest = len(shop.wares) - half
    names = {"sitemap_index.xml": 0, "products-1.xml.gz": half, "products-2.xml.gz": rest, "pages.xml": 0}
    return {f"{shop.address}/{name}": count for name, count in names.items()}


def test_prices_of_the_bare_shop_are_those_that_are_not_crossed_out(scrape: Scraper) -> None:
    with bare_shop(products=20) as shop:
        scrape(shop.address)

    reduced = [ware for ware in shop.wares if ware.list_price]
    assert len(reduced) == 4
    rows = stored()
    assert [rows[shop.place_of(ware)].price for ware in reduced] == [ware.price for ware in reduced]
    assert all(isinstance(ware.price, Decimal) for ware in reduced)


def test_a_product_that_no_list_shows_is_filed_by_its_own_breadcrumbs(scrape: Scraper) -> None:
    with schema_shop(products=10) as shop:
        serve = shop.page
        shop.site.pages = lambda path: None if path.startswith("/c/") else serve(path)
        sync = scrape(shop.address)
        marked = {shop.place_of(ware): {ware.categories[0]} for ware in shop.wares if ware.number % 2 == 0}

    assert not ProductCategory.objects.exists()
    filed = file_by_breadcrumbs(sync)
    assert len(filed) == len(marked)
    assert {place: paths for place, paths in stored_categories().items() if paths} == marked
    assert file_by_breadcrumbs(sync) == []


def test_addresses_that_tell_nothing_are_looked_at(scrape: Scraper) -> None:
    """A sitemap without names, of addresses of one form: products, categories and pages for reading."""
    with bare_shop(products=20) as shop:
        serve = shop.page
        names = ["chairs", "unsere-werkstatt-am-hafen", *(ware.slug for ware in shop.wares), "lighting"]
        rows = "".join(f"<url><loc>{shop.address}/{name}</loc></url>" for name in names)

        def page(path: str) -> Page | None:
            if path == "/sitemap.xml":
                return "application/xml", f"<urlset>{rows}</urlset>"
            if path == "/unsere-werkstatt-am-hafen":
                return "<html><body><h1>Unsere Werkstatt</h1><p>Seit 1950.</p></body></html>"
            return "<html><body><p>Bald mehr</p></body></html>" if path == "/" else serve(path)

        shop.site.pages = page
        scrape(shop.address)
        places = {shop.place_of(ware) for ware in shop.wares}

    assert set(stored()) == places


def test_a_category_reached_over_two_others_gives_its_products_both_paths(scrape: Scraper) -> None:
    """Two categories of the navigation show the same category below them, which leads back to both."""
    card = '<li><a href="/p/{0}"><img src="/{0}.jpg"><h3>{0}</h3></a><b>5 €</b></li>'
    pages = {
        "/": '<nav><a href="/women">Women</a><a href="/winter">Winter</a></nav><h1>Shop</h1>',
        "/women": '<main><h1>Women</h1><div class="subcategories"><a href="/boots">Boots</a></div></main>',
        "/winter": '<main><h1>Winter</h1><div class="subcategories"><a href="/boots">Boots</a></div></main>',
        "/boots": '<main><h1>Boots</h1><div class="subcategories"><a href="/tall">Tall</a>'
        '<a href="/women">Women</a></div>'
        f"<ul>{card.format('oak')}{card.format('elm')}</ul></main>",
        "/tall": '<main><h1>Tall</h1><div class="subcategories"><a href="/boots">Boots</a></div>'
        f"<ul>{card.format('elm')}{card.format('ash')}</ul></main>",
    }
    asked: Counter[str] = Counter()

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        asked[path] += 1
        product = path.removeprefix("/p/")
        body = pages.get(path) or f"<h1>{product}</h1><p class='price'>5 €</p><button>Add to cart</button>"
        is_known = path in pages or path.startswith("/p/")
        return 200 if is_known else 404, {"Content-Type": "text/html"}, f"<html><body>{body}</body></html>".encode()

    with small_site(answer) as address:
        sync = scrape(address)
        paths = {place.removeprefix(f"{address}/p/"): found for place, found in stored_categories().items()}

    boots, tall = {"Women > Boots", "Winter > Boots"}, {"Women > Boots > Tall", "Winter > Boots > Tall"}
    assert paths == {"oak": boots, "elm": boots | tall, "ash": tall}
    assert max(asked[path] for path in pages) <= 2
    assert sum(job["result"]["skipped"].get("category loop", 0) for job in list_jobs(sync)) == 2


def test_a_product_that_is_taken_for_a_category_is_filed_where_it_stands(scrape: Scraper) -> None:
    """Its address is nested below its category's, and its card there has no price."""
    priced = '<li class="c"><a href="/mugs/oak"><img><h3>Oak</h3></a><b>5 €</b></li>'
    pages = {
        "/": '<nav><a href="/mugs">Mugs</a><a href="/cups">Cups</a></nav><h1>Shop</h1>',
        "/mugs": f"<main><h1>Mugs</h1><ul>{priced}{priced.replace('oak', 'elm')}</ul>"
        '<p><a href="/mugs/ash">Ash</a></p></main>',
    }

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        body = pages.get(path) or "<main><h1>A mug</h1><p class='price'>5 €</p><button>Add to cart</button></main>"
        is_known = path in pages or path.startswith("/mugs/")
        return 200 if is_known else 404, {"Content-Type": "text/html"}, f"<html><body>{body}</body></html>".encode()

    with small_site(answer) as address:
        scrape(address)
        found = {place.removeprefix(address): paths for place, paths in stored_categories().items()}

    assert found == {f"/mugs/{name}": {"Mugs"} for name in ("oak", "elm", "ash")}
    assert set(Category.objects.values_list("path", flat=True)) == {"Mugs"}


def test_a_site_that_redirects_is_remembered_by_the_host_that_answers(scrape: Scraper) -> None:
    with schema_shop(products=10) as shop:

        def answer(path: str, headers: Mapping[str, str]) -> Answer:
            return 301, {"Location": shop.address + path}, b""

        with small_site(answer) as address:
            scrape(address, shop.address.split("/")[2])

    assert Product.objects.count() == 10
    assert [site.host for site in Site.objects.all()] == [shop.address.split("/")[2]]


def test_a_list_that_shows_nothing_without_its_scripts_is_looked_at_in_the_browser(settings: Any) -> None:
    """The site's front page needs none, so that nothing was known before."""
    with js_shop(products=10) as shop:
        settings.FETCH_PRIVATE_HOSTS = [shop.address.split("/")[2]]
        forget_rules()
        with SiteReader() as reader:
            reader.turn_to(shop.address)
            listing = ShopSource().discover(reader, ListPage("shop", f"{shop.address}/shop/mugs", "category"))
            assert reader.learned is not None
            assert (reader.learned.needs_browser, reader.learned.templates) == (True, {"/item/<phrase>": "product"})
    close_process_browser()

    assert {product.address for product in listing.products} == {
        shop.place_of(ware) for ware in shop.wares if shop.categories_of(ware) == ("Mugs",)
    }
    assert listing.products[0].paths[0][0].name == "Mugs"


def test_categories_beyond_the_cap_are_counted(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.sources.shop.MAX_CATEGORIES", 2)
    with schema_shop(products=10) as shop:
        settings.FETCH_PRIVATE_HOSTS = [shop.address.split("/")[2]]
        forget_rules()
        html = str(shop.page("/"))
        with SiteReader() as reader:
            reader.turn_to(shop.address)
            lists = ShopSource().start(reader, Clues(shop.address, html, is_fetched=True))
            assert lists is not None
            assert [page.kind for page in lists] == ["sitemap", "category", "category"]
            assert ShopSource().discover(reader, lists[0]).skipped == {"categories beyond the cap": 6}


def test_a_platform_that_has_no_source_of_its_own_is_noted(scrape: Scraper) -> None:
    with bare_shop(products=5) as shop:
        serve = shop.site.answer

        def answer(path: str, headers: Mapping[str, str]) -> Answer:
            status, told, body = serve(path, headers)
            return status, told, body + (b'<script type="text/x-magento-init">{}</script>' if path == "/" else b"")

        with small_site(answer) as address:
            scrape(address)

    site = Site.objects.get()
    assert site.source == "shop"
    assert [it["source"] for it in site.evidence] == ["shop", "magento"]


def test_places_that_fail_where_nobody_named_a_sitemap_are_passed_over(scrape: Scraper) -> None:
    with bare_shop(products=5) as shop:
        serve = shop.site.answer

        def answer(path: str, headers: Mapping[str, str]) -> Answer:
            return (500, {}, b"") if "sitemap" in path else serve(path, headers)

        with small_site(answer) as address:
            scrape(address)

    assert Product.objects.count() == 5
