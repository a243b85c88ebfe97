"""WhatsApp by the Graph API: a fake of the API speaks its protocol, the real client meets it."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.connections import connect, connection_of
from catalog.discovery import start_reading
from catalog.reading import SiteReader
from catalog.replies import Reply, RequestRefused, SiteFailing
from catalog.sources.graph_api import (
    GraphMalformed,
    GraphRefused,
    NoSuchCatalog,
    PermissionMissing,
    TokenRefused,
    TooManyCalls,
)
from catalog.sources.known import source_named
from catalog.sources.source import Listing, ListPage
from jobs.errors import JobError, PermanentError
from jobs.models import Gate, Job
from jobs.session import Session
from marketplace.models import Product, Seller, SyncRun
from marketplace.syncs import start_sync
from tests.catalog.products import drain
from tests.fakes.graph_api import PRODUCT_FIELDS, TOKEN, GraphApi, error, product, serve, too_many_calls

pytestmark = pytest.mark.django_db
ADDRESS = "https://wa.me/c/447700900100"
CATALOG = "178298"


@pytest.fixture
def api(settings: Any) -> Iterator[GraphApi]:
    api = GraphApi(catalogs={CATALOG: [product(number) for number in range(1, 251)]}, accounts={"55": [CATALOG, "9"]})
    with serve(api) as url:
        settings.GRAPH_API_URL = url
        settings.FETCH_PRIVATE_HOSTS = [url.split("/")[2]]
        yield api


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane", catalog_address=ADDRESS)


@pytest.fixture
def first_list(seller: Seller) -> Callable[..., Listing]:
    def read(**connection: str) -> Listing:
        connect(seller, **({"token": TOKEN, "catalog_id": CATALOG} | connection))
        with SiteReader() as reader:
            (page,) = pages_of(reader, seller)
            return source_named(page.source).discover(reader, page)

    return read


def pages_of(reader: SiteReader, seller: Seller) -> list[ListPage]:
    sync, _ = SyncRun.objects.get_or_create(seller=seller, catalog_address=ADDRESS)
    return list(start_reading(reader, ADDRESS, connection=connection_of(sync.pk)).lists)


def only(listing: Listing) -> Any:
    (found,) = listing.products
    assert found.content is not None
    return found.content


def test_a_connected_catalog_is_read_to_its_last_page_by_the_api_alone(
    session: Session, api: GraphApi, seller: Seller
) -> None:
    connect(seller, token=TOKEN, catalog_id=CATALOG)
    sync, _ = start_sync(seller=seller, trigger="test")
    drain(session, "sync-seller")
    for _ in range(4):
        Job.objects.filter(state="gated").update(state="pending")
        drain(session, "scrape-catalog")

    ids = list(Product.objects.order_by("pk").values_list("external_id", flat=True))
    assert ids == [f"whatsapp-graph:{7_000_000 + number}" for number in range(1, 251)]
    assert len(api.asked) == 3
    assert Job.objects.filter(grp=sync.group, task="process-images").count() == 250
    assert not Job.objects.filter(task="scrape-product").exists()
    assert TOKEN not in str(list(Job.objects.values_list("payload", "result")))
    assert not any(TOKEN in path for path in api.asked)
    assert Gate.objects.filter(key__startswith="domain:127.0.0.1").exists()


def test_every_field_of_a_product_is_read(api: GraphApi, first_list: Callable[..., Listing]) -> None:
    api.catalogs[CATALOG] = [
        product(
            1,
            price="1.299,50 €",
            sale_price="999,00 €",
            availability="out of stock",
            additional_image_urls=["https://pictures.example/2.jpg", "ftp://pictures.example/3.jpg"],
            brand="Luma",
            gtin="4006381333931",
            product_type="Home > Lamps",
        )
    ]
    listing = first_list()

    (found,) = listing.products
    content = only(listing)
    assert (found.external_id, found.address) == ("whatsapp-graph:7000001", "https://shop.example/lamps/1")
    assert (content.price.amount, content.price.currency) == (Decimal(999), "EUR")
    assert content.list_price.amount == Decimal("1299.5")
    assert (content.title, content.sku, content.brand, content.gtin) == ("Lamp 1", "SKU-1", "Luma", "4006381333931")
    assert content.availability == Product.Availability.OUT_OF_STOCK
    assert content.picture_addresses == ["https://pictures.example/1.jpg", "https://pictures.example/2.jpg"]
    assert [[step.name for step in path] for path in found.paths] == [["Home", "Lamps"]]


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [
        ("€49.90", "EUR", "49.90"),
        ("49,90 €", "EUR", "49.90"),
        ("$1,299.00", "USD", "1299"),
        ("1.299 €", "EUR", "1299"),
        ("R$ 1.234,56", "BRL", "1234.56"),
        ("₹1,00,000.00", "INR", "100000"),
        ("¥1,500", "JPY", "1500"),
        ("KWD 1.250", "KWD", "1.25"),
        ("12 500,00 Ft", "HUF", "12500"),
        ("£0.99", "GBP", "0.99"),
    ],
)
def test_a_formatted_price_is_read(
    api: GraphApi, first_list: Callable[..., Listing], price: str, currency: str, amount: str
) -> None:
    api.catalogs[CATALOG] = [product(1, price=price, currency=currency)]

    found = only(first_list()).price

    assert (found.amount, found.currency, found.raw) == (Decimal(amount), currency, price)


def test_hidden_and_rejected_products_are_left_out_with_the_reason(
    api: GraphApi, first_list: Callable[..., Listing]
) -> None:
    api.catalogs[CATALOG] = [
        product(1, visibility="staging"),
        product(2, review_status="rejected"),
        product(3, review_status="pending"),
        product(4, name=""),
        product(5, price="on request"),
    ]

    listing = first_list()

    assert [found.external_id[-1] for found in listing.products] == ["3", "5"]
    assert listing.products[1].content.price is None
    assert listing.skipped == {
        "the seller has hidden it": 1, "Meta's review has rejected it": 1, "it has no id or no name": 1,
    }  # fmt: skip


def test_an_account_is_read_by_all_its_catalogs(api: GraphApi, seller: Seller) -> None:
    connect(seller, token=TOKEN, account_id="55")
    with SiteReader() as reader:
        addresses = [page.address.rpartition("/v25.0/")[2] for page in pages_of(reader, seller)]

    assert addresses == [f"{CATALOG}/products", "9/products"]


@pytest.mark.parametrize(
    ("answer", "family", "words"),
    [
        (error(400, 190, "Session has expired.", subcode=463), TokenRefused, "Make a new one"),
        (error(403, 200, "Requires permission."), PermissionMissing, "catalog_management"),
        (error(403, 10, "No permission."), PermissionMissing, "catalog_management"),
        (error(400, 100, "Unsupported get request.", subcode=33), NoSuchCatalog, "Commerce Manager"),
        (error(404, 803, "Some of the aliases do not exist."), NoSuchCatalog, "Commerce Manager"),
        (error(400, 368, "Blocked for policy violations."), GraphRefused, "policy"),
        (error(500, 2, "Service temporarily unavailable."), SiteFailing, "unavailable"),
        (error(500, 1, "An unknown error occurred."), SiteFailing, "unknown"),
        ((502, {}, b"<html>Bad gateway</html>"), SiteFailing, "502"),
        ((200, {}, b"<html>"), GraphMalformed, "JSON"),
        ((200, {}, b"[]"), GraphMalformed, "object"),
        ((200, {}, b'{"data": null}'), GraphMalformed, "data"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), RequestRefused, "redirects elsewhere"),
    ],
)
def test_each_error_of_the_api_has_a_family_and_says_what_to_do(
    api: GraphApi, first_list: Callable[..., Listing], answer: Any, family: type[JobError], words: str
) -> None:
    api.failures = [answer]

    with pytest.raises(family, match=words):
        first_list()


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80008, 80014])
def test_too_many_calls_wait_as_long_as_the_api_says(
    api: GraphApi, first_list: Callable[..., Listing], code: int
) -> None:
    api.failures = [too_many_calls(code, minutes=11)]
    with pytest.raises(TooManyCalls) as raised:
        first_list()
    assert raised.value.retry_after_s == 660

    api.failures = [error(429, code, "Calm down.")]
    with pytest.raises(TooManyCalls) as raised:
        first_list()
    assert raised.value.retry_after_s == 300


def test_the_next_page_is_followed_on_the_apis_own_host_only(api: GraphApi, first_list: Callable[..., Listing]) -> None:
    api.failures = [(200, {}, b'{"data": [], "paging": {"next": "https://evil.example/v25.0/1/products?after=x"}}')]

    with pytest.raises(GraphRefused, match="evil"):
        first_list()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.dictionaries(st.sampled_from(sorted(PRODUCT_FIELDS)), JSON | st.from_regex(r"[€$ ]?[\d.,]{1,9}"), max_size=8)
PAGING = st.fixed_dictionaries({}, optional={"next": JSON | st.from_regex(r"https?:.{0,20}"), "cursors": JSON})


@pytest.fixture
def page(seller: Seller) -> ListPage:
    connection = connect(seller, token=TOKEN, catalog_id=CATALOG)
    address = "https://graph.facebook.com/v25.0/1/products"
    return ListPage("whatsapp-graph", address, cursor={"connection": connection.pk})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.fixed_dictionaries({"data": JSON | st.lists(ROWS, max_size=3), "paging": JSON | PAGING}))
def test_no_answer_raises_anything_but_our_own_errors(page: ListPage, body: Any) -> None:
    class Answering:
        def call(self, address: str, *, token: str) -> Reply:
            return Reply(200, address, {}, json.dumps(body).encode())

    try:
        listing = source_named(page.source).discover(Answering(), page)  # type: ignore[arg-type]
    except JobError:
        return
    assert all(found.content is not None and found.content.title for found in listing.products)


def test_without_a_connection_the_public_page_is_read(seller: Seller) -> None:
    with SiteReader() as reader:
        (page,) = pages_of(reader, seller)

    assert (page.source, page.address) == ("whatsapp", ADDRESS)


def test_a_connection_taken_away_meanwhile_ends_the_reading(
    api: GraphApi, seller: Seller, first_list: Callable[..., Listing]
) -> None:
    page = first_list().lists[0]
    seller.catalog_connection.delete()

    with SiteReader() as reader, pytest.raises(PermanentError, match="taken"):
        source_named(page.source).discover(reader, page)
