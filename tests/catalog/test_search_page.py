"""The public pages: what they show, what they make of any address, and that a seller's text stays text."""

import base64
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from catalog.embedders.hashing import HashingEmbedder
from catalog.embedding import embed_products, store_embeddings
from catalog.indexing import Purpose, mark_live, write_products
from catalog.pages import search as pages
from catalog.pages.asked import MAX_PAGE, PAGE_SIZE, Asked, read_asked
from catalog.pages.presentation import category_tree
from catalog.ranking.documents import document_of, write_documents
from catalog.search.answers import FacetValue
from catalog.search.asking import Sort
from marketplace.models import Product, Seller, SyncRun
from qc.models import Verdict
from tests.catalog.products import add_picture, make_product, make_seller, make_sync, picture_bytes

HOSTILE = """</title></script><script>alert(1)</script><img src=x onerror="alert(2)">'\u2028&amp;"""


@pytest.fixture
def sync(db: None, settings: Any) -> SyncRun:
    settings.MILVUS_URI = "http://127.0.0.1:1"  # only what searches by words needs the index
    cache.clear()
    return make_sync(make_seller())


@pytest.fixture
def shop(sync: SyncRun) -> dict[str, Product]:
    """Four products that buyers see, and one that they do not."""
    live = {"status": "live"}
    products = {
        "lamp": make_product(sync, "Red table lamp", categories=["Home > Lamps"], price=Decimal("49.90"), **live),
        "chair": make_product(sync, "Oak chair", categories=["Home > Chairs"], list_price=Decimal(30), **live),
        "mug": make_product(sync, "Café mug", price=None, currency="", availability="out_of_stock", **live),
        "bowl": make_product(make_sync(make_seller("Old Mill")), "Clay bowl", categories=["Home"], **live),
        "late": make_product(sync, "Not yet checked", status="flagged"),
    }
    write_documents([document_of(products["lamp"], ["Home > Lamps"])])
    add_picture(products["lamp"], width_px=1000, height_px=500, display="d/1.webp", thumbnail="t/1.webp")
    return products


def read(address: str, *, status: int = 200, **headers: Any) -> LexborHTMLParser:
    reply = Client().get(address, **headers)
    assert reply.status_code == status, reply.content[:500]
    return LexborHTMLParser(reply.content.decode())


def texts(page: LexborHTMLParser, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in page.css(selector)]


def links(page: LexborHTMLParser, selector: str) -> list[str]:
    return [node.attributes["href"] or "" for node in page.css(selector)]


def titles(page: LexborHTMLParser) -> list[str]:
    return texts(page, ".card h2")


def test_browsing_shows_what_is_live_newest_first(shop: dict[str, Product]) -> None:
    page = read("/search/")

    assert titles(page) == ["Clay bowl", "Café mug", "Oak chair", "Red table lamp"]
    assert texts(page, "h1") == ["All products"]
    assert texts(page, "#count")[0].startswith("4 products in ")
    assert texts(page, ".card .price") == ["20 EUR", "Price at the shop", "20 EUR instead of 30 EUR", "49.90 EUR"]
    assert texts(page, ".card .stock")[1] == "Out of stock"
    assert links(page, ".card h2 a")[-1] == f"/p/{shop['lamp'].pk}/"
    (picture,) = page.css(".card img")
    assert picture.attributes | {"decoding": ""} == {
        "src": "/media/t/1.webp", "alt": "Red table lamp", "width": "320", "height": "160", "decoding": "",
    }  # fmt: skip
    assert texts(page, ".frame.empty") == ["No picture"] * 3
    assert not page.css("script:not([src])")
    assert not page.css("[style], [onclick], [onerror]")


def test_filters_are_links_and_boxes_that_keep_what_was_asked(shop: dict[str, Product]) -> None:
    mill = Seller.objects.get(name="Old Mill").pk
    page = read(f"/search/?category=home&seller={mill}&sort=price&utm=1&max_price=25.50&currency=eur")

    assert titles(page) == ["Clay bowl"]
    kept = f"seller={mill}&max_price=25.5&currency=EUR&sort=price"
    assert links(page, ".chips a") == [
        f"/search/?{kept}",
        "/search/?category=home&max_price=25.5&currency=EUR&sort=price",
        f"/search/?category=home&seller={mill}&sort=price",
        "/search/?sort=price",
    ]
    assert texts(page, ".chips a")[1:3] == [
        "Old Mill, remove this filter",
        "up to 25.5 EUR, remove this filter",
    ]
    checked = page.css("input[name=seller][checked]")
    assert [box.attributes["value"] for box in checked] == [str(mill)]
    assert {box.attributes["form"] for box in page.css(".filters input")} == {"search"}
    assert page.css_first("input[type=hidden][name=category]").attributes["value"] == "home"
    assert links(page, "link[rel=canonical]") == [
        f"http://testserver/search/?category=home&seller={mill}&max_price=25.5&currency=EUR"
    ]
    assert page.css_first("meta[name=robots]").attributes["content"] == "noindex, follow"
    assert "utm=" not in (page.html or "")
    for label in page.css("label[for]"):
        assert page.css(f"#{label.attributes['for']}")


def test_pages_join_and_know_their_neighbours(sync: SyncRun) -> None:
    for number in range(PAGE_SIZE + 1):
        make_product(sync, f"Spoon {number}", status="live")

    first, second = read("/search/?sort=price"), read("/search/?sort=price&page=2")

    assert titles(first) + titles(second) == [f"Spoon {number}" for number in range(PAGE_SIZE + 1)]
    assert links(first, ".paging a[rel=next]") == ["/search/?sort=price&page=2"] == links(first, "link[rel=next]")
    assert links(second, ".paging a") == ["/search/?sort=price"]
    assert texts(second, ".paging span") == ["Page 2 of 2"]
    assert not first.css("meta[name=robots]")
    beyond = read("/search/?page=3")
    assert links(beyond, ".nothing a") == ["/search/"]


@pytest.mark.parametrize(
    ("query", "asked", "problems"),
    [
        ("", Asked(), 0),
        ("q=++red%00+lamp+", Asked(q="red lamp"), 0),
        ("min_price=&max_price=&currency=EUR&page=&sort=", Asked(), 0),
        ("min_price=19,90&currency=eur", Asked(min_price=Decimal("19.9"), currency="EUR"), 0),
        ("min_price=5&max_price=4", Asked(), 1),
        ("min_price=abc&max_price=-1", Asked(), 2),
        ("min_price=nan&max_price=1e99", Asked(), 2),
        ("max_price=100&currency=EURO", Asked(max_price=Decimal(100)), 1),
        ("seller=7&seller=7&seller=x&seller=-1", Asked(sellers=(7,)), 1),
        ("seller=99999999999999999999", Asked(), 1),
        ("availability=in_stock&availability=maybe", Asked(availabilities=("in_stock",)), 1),
        ("category=+Home++%3E+Lamps&category=", Asked(categories=("Home > Lamps",)), 0),
        ("sort=-price&page=2", Asked(sort=Sort.PRICE_DOWN, page=2), 0),
        ("sort=best&page=0", Asked(), 2),
        (f"page={MAX_PAGE + 1}", Asked(), 1),
        ("page=²", Asked(), 1),
        ("q=" + "x" * 501, Asked(q="x" * 500), 1),
    ],
)
def test_an_address_is_read_leniently(query: str, asked: Asked, problems: int) -> None:
    read_as, told = read_asked(QueryDict(query))

    assert (read_as, len(told)) == (asked, problems)


PRICES = st.decimals(min_value=0, max_value=10_000, places=2)


@given(
    q=st.text(max_size=30),
    categories=st.lists(st.text(max_size=20), max_size=3),
    sellers=st.lists(st.integers(-5, 2**63), max_size=3),
    prices=st.none() | st.tuples(PRICES, PRICES),
    sort=st.sampled_from(Sort),
    page=st.integers(1, MAX_PAGE),
)
@hypothesis_settings(max_examples=40)
def test_a_written_address_is_read_as_it_was_meant(
    q: str, categories: list[str], sellers: list[int], prices: tuple[Decimal, Decimal] | None, sort: Sort, page: int
) -> None:
    low, high = sorted(prices) if prices else (None, None)
    meant, _ = read_asked(QueryDict(Asked(q=q, min_price=low, max_price=high).address().partition("?")[2]))
    meant = replace(meant, sort=sort, page=page)
    meant = replace(meant, sellers=tuple(dict.fromkeys(pk for pk in sellers if 0 < pk < 2**63)))
    others = QueryDict(mutable=True)
    others.setlist("category", [name.encode(errors="ignore").decode() for name in categories])
    meant = replace(meant, categories=read_asked(others)[0].categories)

    query = urlsplit(meant.address(page=page)).query

    assert read_asked(QueryDict(query)) == (meant, [])


def test_junk_is_told_and_never_an_error(shop: dict[str, Product]) -> None:
    page = read("/search/?min_price=5&max_price=4&page=-1&sort=%00&seller=%27&category=%FF&availability=%3Cb%3E&q=%00")

    assert len(texts(page, ".message.warn li")) == 5
    assert texts(page, ".message.warn li")[0] == (
        "The lowest price is above the highest, so neither narrows the search."
    )


def test_who_finds_nothing_is_helped_on(shop: dict[str, Product]) -> None:
    page = read("/search/?availability=preorder&category=Home")

    assert texts(page, "#count") == ["No products"]
    assert texts(page, ".nothing h2") == ["Nothing was found"]
    assert "/search/" in links(page, ".nothing .tips a")
    assert links(page, ".nothing .chips a") == ["/search/?category=Home"]
    assert page.css_first("meta[name=robots]")


def test_without_the_index_the_page_says_so(shop: dict[str, Product]) -> None:
    page = read("/search/?q=lamp")

    assert titles(page) == ["Red table lamp"]
    assert texts(page, ".message.warn")[0].startswith("Search runs in a simpler way just now,")
    assert texts(page, "title") == ["lamp · Souk"]
    assert page.css_first("#q").attributes["value"] == "lamp"


def test_what_was_understood_and_why_it_matched_is_shown(
    shop: dict[str, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pages.search_products

    def search_products(search: Any) -> Any:
        answer = real(search)
        results = [replace(found, legs={"words": 7.25, "exact": 1.0}, matched=["<lamp>"]) for found in answer.results]
        return replace(answer, corrected="<lamp>", results=results, total=500, total_is_capped=True)

    monkeypatch.setattr(pages, "search_products", search_products)

    page = read("/search/?q=lmap+lamp")

    assert texts(page, ".message")[-1] == "Showing results for <lamp>."
    assert texts(page, ".why mark") == ["<lamp>"]
    assert texts(page, ".why dt") == ["Words", "By its words", "By exact number or name"]
    assert texts(page, ".why dd") == ["<lamp>", "7.25", "1"]
    assert texts(page, "#count")[0].startswith("More than 500 products")
    assert not page.css("lamp")


def test_hostile_text_stays_text(sync: SyncRun) -> None:
    sync.seller.name = HOSTILE
    sync.seller.save()
    product = make_product(
        sync, HOSTILE, categories=[HOSTILE], status="live", description=HOSTILE, brand=HOSTILE, sku=HOSTILE[:100],
        address="javascript:alert(3)",
    )  # fmt: skip
    for address in ("/", "/search/", f"/search/?q=%3Cscript%3E&category={HOSTILE}", f"/p/{product.pk}/"):
        page = read(address)
        assert not page.css("script:not([src]):not([type='application/ld+json'])"), address
        assert not page.css("[onerror], img[src=x]"), address
        assert not [link for link in links(page, "a[href]") if not link.startswith(("/", "#", "http://", "https://"))]
    data = json.loads(page.css_first("script[type='application/ld+json']").text())
    assert (data["name"], data["offers"]["price"]) == (HOSTILE, "20")
    assert "url" not in data["offers"]
    assert "See at the shop" not in (page.html or "")


def test_a_products_page_tells_people_and_machines(shop: dict[str, Product]) -> None:
    lamp = shop["lamp"]
    page = read(f"/p/{lamp.pk}/")

    assert texts(page, "h1") == ["Red table lamp"]
    assert links(page, ".trail a") == ["/search/?category=Home", "/search/?category=Home+%3E+Lamps"]
    (shop_link,) = [link for link in page.css("a.button") if "See at the shop" in link.text()]
    assert (shop_link.attributes["href"], shop_link.attributes["rel"]) == (lamp.address, "nofollow noopener")
    assert page.css_first(".gallery img").attributes["src"] == "/media/d/1.webp"
    meta = {node.attributes["property"]: node.attributes["content"] for node in page.css("meta[property]")}
    assert meta["og:image"] == "http://testserver/media/d/1.webp"
    assert (meta["product:price:amount"], meta["product:price:currency"]) == ("49.90", "EUR")
    data = json.loads(page.css_first("script[type='application/ld+json']").text())
    assert data["offers"] == {
        "@type": "Offer",
        "price": "49.9",
        "priceCurrency": "EUR",
        "url": lamp.address,
        "seller": {"@type": "Organization", "name": "Harbour Lane"},
    }


@pytest.mark.parametrize("route", ["/p/{}/", "/search/similar/{}/"])
def test_what_is_not_live_is_not_there(shop: dict[str, Product], route: str) -> None:
    for product_id in (shop["late"].pk, 999_999_999, 2**63 - 1, 2**70):
        assert texts(read(route.format(product_id), status=404), "h1") == ["There is nothing here"]
    Seller.objects.update(status="suspended")
    read(route.format(shop["lamp"].pk), status=404)


def test_pages_may_not_be_kept_nor_run_anything_foreign(shop: dict[str, Product]) -> None:
    for address in ("/", "/search/", "/search/image/", f"/p/{shop['lamp'].pk}/"):
        reply = Client().get(address)
        assert reply["Cache-Control"] == "private, no-cache"
        assert "default-src 'none'; script-src 'self';" in reply["Content-Security-Policy"]
        assert not reply.cookies
        assert "Vary" not in reply
        assert Client().post(address).status_code == (400 if "image" in address else 405)
    assert "HX-Push-Url" not in Client().get("/search/?q=")
    assert Client().get("/search/?q=&min_price=&sort=price", headers={"HX-Request": "true"})["HX-Push-Url"] == (
        "/search/?sort=price"
    )


def test_too_many_pages_at_once_are_put_off(shop: dict[str, Product], settings: Any) -> None:
    settings.API_RATE_PER_ADDRESS = 2
    client = Client(REMOTE_ADDR="127.0.0.77")

    replies = [client.get("/search/") for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert int(replies[2]["Retry-After"]) > 0
    assert b"Please wait" in replies[2].content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Choose a picture first."),
        (b"", "Choose a picture first."),
        (b"GIF89a, or so it says", "That file is no picture that we can read."),
        (b"x" * (10 * 2**20 + 1), "That picture is too large: 10 MB and 64 megapixels at most."),
    ],
)
def test_what_is_no_picture_is_said_to_be_none(
    sync: SyncRun, settings: Any, content: bytes | None, message: str
) -> None:
    settings.SEARCH_PICTURES_PER_MIN = 1000
    form = {} if content is None else {"picture": SimpleUploadedFile("a.jpg", content)}

    reply = Client(enforce_csrf_checks=True).post("/search/image/", form)

    assert reply.status_code == 400
    page = LexborHTMLParser(reply.content.decode())
    assert texts(page, "[role=alert]")[0].startswith(message)
    assert page.css_first("#picture").attributes["aria-describedby"] == "problem picture-help"


def test_a_picture_is_shown_beside_what_looks_like_it(
    shop: dict[str, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def search_by_picture(picture: bytes, **_: Any) -> Any:
        asked.append(picture)
        return pages.search_products(Asked(q="").search())

    monkeypatch.setattr(pages, "search_by_picture", search_by_picture)
    picture = picture_bytes(600, 300)
    form = {"picture": [SimpleUploadedFile("empty.jpg", b""), SimpleUploadedFile("a.jpg", picture)]}

    page = LexborHTMLParser(Client().post("/search/image/", form).content.decode())

    assert asked == [picture]
    assert len(titles(page)) == 4
    address = page.css_first(".asked-picture img").attributes["src"] or ""
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/webp;base64,")))) as preview:
        assert preview.size == (320, 160)


def test_many_pictures_at_once_are_put_off(sync: SyncRun, settings: Any) -> None:
    settings.SEARCH_PICTURES_PER_MIN = 1
    client = Client(REMOTE_ADDR="127.0.0.78")

    assert client.post("/search/image/").status_code == 400
    reply = client.post("/search/image/")

    assert reply.status_code == 429
    assert b"then try again" in reply.content


def test_categories_nest_below_the_ones_that_are_there() -> None:
    values = [FacetValue(path, path, 1, path == "A > B") for path in ("A", "A > B", "A > B > C", "X > Y")]

    (a, y) = category_tree(Asked(q="lamp"), values)

    assert [a.label, a.is_open, y.label, y.children] == ["A", True, "Y", []]
    (b,) = a.children
    assert b.address == "/search/?q=lamp&category=A"  # taken back, it leads to its parent
    assert b.children[0].address == "/search/?q=lamp&category=A+%3E+B+%3E+C"


def test_a_live_search_shows_products_like_one_another(search_index: str, db: None) -> None:
    sync = make_sync(make_seller())
    products = [make_product(sync, f"{colour} table lamp") for colour in ("Red", "Dark red", "Blue")]
    for product in products:
        Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    ids = [product.pk for product in products]
    store_embeddings(embed_products(ids, embedder=HashingEmbedder()), only=ids)
    assert write_products(ids, purpose=Purpose.SHOW, embedder=HashingEmbedder()).shown == set(ids)
    assert mark_live(ids) == 3

    page = read("/search/?q=blue+lamp")
    assert titles(page)[0] == "Blue table lamp"
    assert re.match(r"3 products in \d+\sms", texts(page, "#count")[0])
    assert "By its words" in texts(page, ".why dt")
    assert not page.css(".message")

    similar = read(f"/search/similar/{ids[0]}/")
    assert titles(similar)[0] == "Dark red table lamp"
    assert "Red table lamp" not in titles(similar)
    assert titles(read(f"/p/{ids[0]}/"))[0] == "Dark red table lamp"
