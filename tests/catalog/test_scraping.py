"""Scraping: the whole way from an address to stored products, on the sample catalog and a real ledger."""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.browser import close_process_browser
from catalog.listings import is_cut_short
from catalog.politeness.models import Domain
from catalog.product_pages import PageRead, kept_read, read_of
from catalog.robots import forget_rules
from catalog.sources.source import ExtractedProduct
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.models import Gate, Job, Worker
from jobs.permits import batch_size_of
from jobs.session import Session, set_current_session
from marketplace.models import Category, Product, ProductCategory, Seller, SyncRun
from marketplace.money import Money
from marketplace.syncs import start_sync
from tests.sample_shop import Answer, sample_catalog, small_site

QUEUES = ("sync-seller", "scrape-catalog", "scrape-product")
PRODUCTS = 80

Scrape = Callable[[str], SyncRun]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, so that the pictures are drawn once."""
    return tmp_path_factory.mktemp("sample")


@pytest.fixture
def scrape(db: None, settings: Any) -> Iterator[Scrape]:
    """Return a function that runs a sync of the address up to and with the reading of product pages."""
    session = Session(name="test-scraper", queues=list(QUEUES))
    session.worker_id = Worker.objects.create(name="test-scraper", hostname="here", pid=1, queues=list(QUEUES)).pk
    set_current_session(session)
    forget_rules()

    def run(address: str) -> SyncRun:
        host = address.split("/")[2]
        settings.FETCH_PRIVATE_HOSTS = settings.WHATSAPP_HOSTS = [host]
        settings.FETCH_RATES = {host: 10_000.0}
        seller, _ = Seller.objects.update_or_create(name="Harbour Lane", defaults={"catalog_address": address})
        SyncRun.objects.update(status=SyncRun.Status.FINISHED)
        sync, _ = start_sync(seller=seller, trigger="test")
        while _run_all(session):
            pass
        return sync

    yield run
    set_current_session(None)
    close_process_browser()


def test_a_catalog_is_read_from_its_address_to_its_products(scrape: Scrape, folder: Path) -> None:
    with sample_catalog(folder, products=PRODUCTS) as address:
        sync = scrape(address)
        truth = _truth(folder, 1)

    assert _states(sync, "scrape-product") == {"completed": PRODUCTS - 2, "failed": 2}
    assert set(Product.objects.values_list("external_id", flat=True)) == set(truth["products"])
    ends = {key: ends["code"] for key, ends in truth["products"].items() if ends["ends"] == "dead"}
    dead = Product.objects.filter(status=Product.Status.DEAD)
    assert {product.external_id: product.reasons[0]["code"] for product in dead} == ends
    assert all(product.reasons[0]["remedy"] for product in dead)
    lamp = Product.objects.filter(categories__name="Lamps", status=Product.Status.PENDING).first()
    assert lamp is not None
    assert lamp.title and lamp.description and lamp.currency == "EUR" and lamp.price and lamp.etag
    assert lamp.picture_addresses == [f"{address.partition('/c/')[0]}/media/{lamp.external_id[9:]}-1.jpg"]
    assert Category.objects.filter(name__in=["Lamps", "Gifts"]).count() == 2
    assert ProductCategory.objects.count() >= PRODUCTS
    following = Job.objects.filter(grp=sync.group, task="process-images")
    assert following.count() == PRODUCTS - 2
    assert set(Job.objects.filter(grp=sync.group).values_list("tenant", flat=True)) == {str(sync.seller_id)}
    _check_copies(truth)
    _check_gates(sync, host=address.split("/")[2])


def test_a_resync_revalidates_every_page_and_goes_on_with_what_changed(scrape: Scrape, folder: Path) -> None:
    with sample_catalog(folder, products=PRODUCTS) as address:
        scrape(address)
    Product.objects.filter(status=Product.Status.PENDING).update(
        status=Product.Status.LIVE, indexed_at=timezone.now(), embedding_fingerprint="x"
    )
    with sample_catalog(folder, products=PRODUCTS, edition=2) as address:
        sync = scrape(address)
        truth = _truth(folder, 2)
        with urllib.request.urlopen(f"{address.partition('/c/')[0]}/sample/stats") as reply:
            stats = json.load(reply)

    # 79 are listed: 2 are new, 5 have changed, 2 are dead and have no ETag.
    assert stats["product_304"] == 79 - 2 - 5 - 2
    assert _states(sync, "scrape-product") == {"completed": 77, "failed": 2}
    followed = Job.objects.filter(grp=sync.group).exclude(queue__in=QUEUES)
    subjects = Product.objects.filter(pk__in=[job.payload["product"] for job in followed])
    assert {product.external_id for product in subjects} == {*truth["changed"], *truth["added"]}
    unseen = Product.objects.exclude(last_sync=sync)
    assert {product.external_id for product in unseen} == set(truth["removed"])


def test_a_page_that_is_lost_takes_its_live_product_down(scrape: Scrape, folder: Path) -> None:
    with sample_catalog(folder, products=PRODUCTS) as address:
        scrape(address)
        key = next(key for key, ends in _truth(folder, 1)["products"].items() if ends["defect"] == "not_found")
        Product.objects.filter(external_id=key).update(status=Product.Status.LIVE, indexed_at=timezone.now())
        sync = scrape(address)

    product = Product.objects.get(external_id=key)
    assert (product.status, product.reasons[0]["code"]) == ("dead", "catalog.page_not_found")
    hiding = Job.objects.filter(grp=sync.group, task="index-product")
    assert [job.payload["product"] for job in hiding] == [product.pk]


def test_what_is_beyond_a_syncs_caps_is_skipped_and_told(scrape: Scrape, folder: Path, settings: Any) -> None:
    settings.SYNC_MAX_LISTS, settings.SYNC_MAX_PRODUCTS = 4, 12
    with sample_catalog(folder, products=PRODUCTS) as address:
        sync = scrape(address)

    lists = Job.objects.filter(grp=sync.group, task="scrape-catalog")
    assert lists.count() == 4
    assert any("catalog.too_many_lists" in str(job.result) for job in lists)
    assert is_cut_short(sync)
    assert Job.objects.filter(grp=sync.group, task="scrape-product").count() == 12
    beyond = Product.objects.filter(reasons__0__code="catalog.too_many_products")
    assert beyond.count() == Product.objects.count() - 12 > 0
    assert set(beyond.values_list("status", flat=True)) == {"dead"}


def test_an_address_that_no_source_reads_fails_for_good(scrape: Scrape) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        return 200, {"Content-Type": "text/html"}, b"<p>Gone fishing</p>"

    with small_site(answer) as site:
        sync = scrape(f"{site}/nothing")

    job = Job.objects.get(grp=sync.group, task="scrape-catalog")
    assert (job.state, job.error_code) == ("failed", "catalog.unsupported_address")


def _check_copies(truth: dict[str, Any]) -> None:
    """A copy names the first product that says the same."""
    copies = {key for key, ends in truth["products"].items() if ends["defect"] == "duplicate"}
    linked = Product.objects.filter(duplicate_of__isnull=False).select_related("duplicate_of")
    assert {product.external_id for product in linked} == copies
    for product in linked:
        assert product.duplicate_of is not None
        assert product.duplicate_of.pk < product.pk
        assert product.duplicate_of.title == product.title


def _check_gates(sync: SyncRun, *, host: str) -> None:
    """Pages wait behind the gate of their host, lists behind that of lists too, and nothing else does."""
    assert (
        Gate.objects.get(key=f"domain:{host}").rate_per_s == Gate.objects.get(key=f"lists:{host}").rate_per_s == 10_000
    )
    jobs = Job.objects.filter(grp=sync.group)
    assert set(jobs.filter(task="scrape-catalog").values_list("gate", flat=True)) == {f"domain:{host} lists:{host}"}
    assert set(jobs.filter(task="scrape-product").values_list("gate", flat=True)) == {f"domain:{host}"}
    assert set(jobs.filter(task="process-images").values_list("gate", flat=True)) == {f"pictures:{host}"}


def _run_all(session: Session) -> int:
    claimed = 0
    for queue in QUEUES:
        _be_patient()
        pass_gates()
        Job.objects.filter(queue=queue, state="scheduled").update(state="pending", run_at=timezone.now())
        claimed += run_once(queue, session=session, limit=batch_size_of(queue))
    return claimed


def _be_patient() -> None:
    """Let the time go by for which the site asked to be left alone."""
    Domain.objects.update(retry_at=None)
    Gate.objects.update(closed_until=None)


def _states(sync: SyncRun, task: str) -> Counter[str]:
    return Counter(Job.objects.filter(grp=sync.group, task=task).values_list("state", flat=True))


def _truth(folder: Path, edition: int) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / f"truth-{edition}.json").read_text())
    return truth


@pytest.mark.parametrize("price", [None, Money(Decimal("12.50"), "EUR", "12,50 €")])
def test_what_a_page_said_is_the_same_after_it_waited_on_disk(price: Money | None) -> None:
    product = Product(pk=7, content_hash="old")
    content = ExtractedProduct(
        title="Lamp", price=price, variants=[{"size": "L"}], picture_addresses=["http://x/1.jpg"]
    )
    for read in (PageRead(product, content, "new", "etag", "yesterday"), PageRead(product)):
        assert read_of(product, json.loads(json.dumps(kept_read(read)))) == read
