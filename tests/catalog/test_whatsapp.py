"""The whatsapp source: which addresses are its own, and what its pages say."""

from decimal import Decimal
from typing import Any

import pytest

from catalog.contents import content_hash
from catalog.reading import SiteReader
from catalog.replies import PageNotFound
from catalog.sources.known import probe, product_at, source_of
from catalog.sources.source import Clues, PageMalformed, UnsupportedAddress
from catalog.sources.whatsapp import WhatsAppSource
from marketplace.models import Product

ADDRESS = "https://wa.me/p/42/447700900100"
SOURCE = WhatsAppSource()
PAGE = """<html><head>
<meta property="og:title" content="Red lamp &#039;Alba&#039;">
<meta property="og:description" content="A lamp.">
<meta property="og:image" content="/media/42.jpg">
<meta property="og:image" content="https://cdn.example/43.jpg">
<meta property="product:price:amount" content="{amount}">
<meta property="product:price:currency" content="{currency}">
<meta property="product:availability" content="in stock">
<meta property="product:brand" content="Luma">
<meta property="product:retailer_item_id" content="LAM-42">
</head></html>"""


@pytest.mark.parametrize(
    ("address", "normalised"),
    [
        ("https://wa.me/c/447700900100", "https://wa.me/c/447700900100"),
        ("http://wa.me/c/447700900100/?utm_source=ig#top", "https://wa.me/c/447700900100"),
        ("https://user:secret@wa.me/c/447700900100", "https://wa.me/c/447700900100"),
        (
            "https://www.whatsapp.com/catalog/447700900100/?app_absent=0",
            "https://www.whatsapp.com/catalog/447700900100",
        ),
        ("https://api.whatsapp.com/c/447700900100", "https://api.whatsapp.com/c/447700900100"),
        ("http://shop.test:8000/c/447700900100/lamps", "http://shop.test:8000/c/447700900100/lamps"),
    ],
)
def test_a_catalog_address_is_recognised_and_normalised(settings: Any, address: str, normalised: str) -> None:
    settings.WHATSAPP_HOSTS = ["shop.test:8000"]

    (evidence,) = probe(Clues(address))

    assert (evidence.source, evidence.address) == ("whatsapp", normalised)


@pytest.mark.parametrize(
    "address",
    [
        "https://wa.me.evil.example/c/447700900100",
        "https://evil.example/wa.me/c/447700900100",
        "https://wa.me@evil.example/c/447700900100",
        "https://wa.me:8443/c/447700900100",
        "https://wa.me/c/12345",
        "https://wa.me/c/123456789012345678901",
        "https://wa.me/447700900100",
        "https://api.whatsapp.com/send?phone=447700900100",
        "https://api.whatsapp.com/send/?phone=447700900100&text=https://wa.me/c/447700900100",
        "http://shop.test/c/447700900100",
        "ftp://wa.me/c/447700900100",
        "wa.me/c/447700900100",
        "",
    ],
)
def test_any_other_address_is_not_whatsapps(settings: Any, address: str) -> None:
    settings.WHATSAPP_HOSTS = ["shop.test:8000"]

    assert SOURCE.probe(Clues(address)) is None


@pytest.mark.parametrize(
    ("address", "external_id", "normalised"),
    [
        ("https://wa.me/p/42/447700900100", "whatsapp:42", "https://wa.me/p/42/447700900100"),
        ("http://wa.me/p/42/447700900100/?text=hi#x", "whatsapp:42", "https://wa.me/p/42/447700900100"),
        ("https://u:p@wa.me/p/42/447700900100", "whatsapp:42", "https://wa.me/p/42/447700900100"),
        (
            "https://www.whatsapp.com/product/7043/447700900100/?app_absent=0",
            "whatsapp:7043",
            "https://www.whatsapp.com/product/7043/447700900100",
        ),
        ("http://shop.test:8000/p/42/447700900100", "whatsapp:42", "http://shop.test:8000/p/42/447700900100"),
    ],
)
def test_the_link_of_a_product_is_a_list_of_one(settings: Any, address: str, external_id: str, normalised: str) -> None:
    settings.WHATSAPP_HOSTS = ["shop.test:8000"]

    found = product_at(address)
    (evidence,) = probe(Clues(address))
    with SiteReader() as reader:
        (page,) = SOURCE.start(reader, Clues(evidence.address))
        listing = SOURCE.discover(reader, page)

    assert found is not None
    assert (found.external_id, found.address) == (external_id, normalised)
    assert (evidence.source, evidence.address) == ("whatsapp", normalised)
    assert list(listing.products) == [found]


@pytest.mark.parametrize(
    "address",
    [
        "https://wa.me/c/447700900100",
        "https://wa.me/p/42",
        "https://wa.me/p/forty/447700900100",
        "https://wa.me.evil.example/p/42/447700900100",
        "https://evil.example/wa.me/p/42/447700900100",
        "https://api.whatsapp.com/send?phone=447700900100&text=https://wa.me/p/42/447700900100",
        "https://api.whatsapp.com/send/?phone=447700900100",
        "whatsapp://product/42/447700900100",
    ],
)
def test_any_other_address_is_no_products(address: str) -> None:
    assert product_at(address) is None


def test_whatsapps_own_pages_have_no_place_for_a_price_others_have(settings: Any) -> None:
    page = PAGE.format(amount="", currency="")

    assert SOURCE.extract(page, ADDRESS).not_carried == ["price"]
    assert SOURCE.extract(page, "http://shop.test/p/42/447700900100").not_carried == []
    assert SOURCE.extract(PAGE.format(amount="19.90", currency="EUR"), ADDRESS).not_carried == []


def test_a_page_says_what_its_open_graph_says() -> None:
    product = SOURCE.extract(PAGE.format(amount="1,299.50", currency="eur"), ADDRESS)

    assert product.title == "Red lamp 'Alba'"
    assert product.description == "A lamp."
    assert product.price is not None
    assert (product.price.amount, product.price.currency) == (Decimal("1299.5"), "EUR")
    assert product.price_raw == "1,299.50 eur"
    assert product.availability == Product.Availability.IN_STOCK
    assert (product.brand, product.sku) == ("Luma", "LAM-42")
    assert product.picture_addresses == ["https://wa.me/media/42.jpg", "https://cdn.example/43.jpg"]


def test_whatsapp_says_not_found_with_status_200() -> None:
    with pytest.raises(PageNotFound):
        SOURCE.extract('<meta property="og:title" content="Page Not Found">', ADDRESS)


@pytest.mark.parametrize("html", ["", "<html><title>Shop</title></html>", "\x00\x01", '<meta property="og:title">'])
def test_a_page_without_product_data_is_malformed(html: str) -> None:
    with pytest.raises(PageMalformed):
        SOURCE.extract(html, ADDRESS)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("19.90", "EUR", (Decimal("19.9"), "EUR")),
        ("19.90", "", (Decimal("19.9"), "")),
        ("19.90", "euros", (Decimal("19.9"), "EUR")),
        ("19.90", "credits", (Decimal("19.9"), "")),
        ("€49.90", "", (Decimal("49.9"), "EUR")),
        ("1.299,00", "EUR", (Decimal(1299), "EUR")),
        ("", "EUR", None),
        ("on request", "EUR", None),
        ("1" * 20, "EUR", None),
    ],
)
def test_a_price_is_read_and_its_currency_never_guessed(
    amount: str, currency: str, expected: tuple[Decimal, str] | None
) -> None:
    product = SOURCE.extract(PAGE.format(amount=amount, currency=currency), ADDRESS)

    assert (product.price and (product.price.amount, product.price.currency)) == expected
    assert product.price_raw == f"{amount} {currency}".strip()


def test_the_content_hash_is_of_what_a_buyer_sees_not_of_the_address() -> None:
    page = PAGE.replace("/media", "https://cdn.example/media")
    one = SOURCE.extract(page.format(amount="19.90", currency="EUR"), ADDRESS)
    same = SOURCE.extract(page.format(amount="19.9", currency="EUR"), ADDRESS.replace("42", "43"))
    dearer = SOURCE.extract(page.format(amount="20.90", currency="EUR"), ADDRESS)

    assert content_hash(one) == content_hash(same) != content_hash(dearer)


def test_a_product_names_its_source() -> None:
    assert source_of("whatsapp:42").name == "whatsapp"
    with pytest.raises(UnsupportedAddress):
        source_of("other:42")
