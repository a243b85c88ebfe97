"""The stages from pictures to the end of a sync, on a real ledger and a real index, each run twice."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog import index
from catalog.generation.accepting import accept_text, undo_text
from catalog.milvus import patiently
from catalog.models import StoredVector
from catalog.politeness.models import Domain
from catalog.search.asking import Search
from catalog.search.searching import search_products
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import DeadLetter, Job
from jobs.session import Session
from jobs.workflows import finish_groups
from marketplace.models import Picture, Product, ProductCategory, SyncRun
from qc.models import Verdict
from tests.catalog.generation.proposals import propose
from tests.catalog.products import (
    add_picture,
    drain,
    enqueue_stage,
    job_counts,
    make_product,
    make_seller,
    make_sync,
    picture_bytes,
    status_and_codes,
)
from tests.sample_shop import Answer, small_site

pytestmark = pytest.mark.django_db
STAGES = ("process-images", "generate-embedding", "quality-control", "index-product")
GOOD = picture_bytes(600, 600, seed=7)


class Site:
    """Answers pictures by the first part of their name, and counts what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        with self.lock:
            self.asked.append(path)
            times = self.asked.count(path)
        kind = path.strip("/").partition("-")[0]
        if kind == "away" or (kind == "once" and times == 1):
            return 503, {}, b""
        if kind == "slow" and times == 1:
            return 429, {"Retry-After": "1"}, b""
        bodies = {"small": picture_bytes(200, 600), "broken": GOOD[:-9000], "good": GOOD, "once": GOOD, "slow": GOOD}
        return (200, {"Content-Type": "image/jpeg"}, bodies[kind]) if kind in bodies else (404, {}, b"")


@pytest.fixture
def site(settings: Any, tmp_path: Path) -> Iterator[Site]:
    settings.MEDIA_ROOT = tmp_path / "media"
    site = Site()
    with small_site(site.answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.split("/")[2]]
        site.address = address
        yield site


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


@pytest.fixture
def product_with(site: Site, sync: SyncRun) -> Callable[..., Product]:
    def make(*pictures: str, **fields: Any) -> Product:
        addresses = [f"{site.address}/{name}.jpg" for name in pictures]
        return make_product(sync, fields.pop("title", "Red lamp"), picture_addresses=addresses, **fields)

    return make


def end(session: Session) -> None:
    assert finish_groups() == 1
    drain(session, "sync-seller", "index-product")


def test_a_product_goes_live_through_all_stages(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product], settings: Any
) -> None:
    product = product_with("good-1", "good-2")
    enqueue_stage("process-images", [product], sync=sync)
    drain(session, *STAGES)
    end(session)

    assert status_and_codes(product) == ("live", [])
    assert [found.product for found in search_products(Search(query="lamp")).results] == [product]
    sync.refresh_from_db()
    assert sync.status == "finished"
    assert sync.outcome == {
        "found": 1, "live": 1, "rejected": 0, "flagged": 0, "dead": 0, "pending": 0, "gone": 0, "retries": 0,
    }  # fmt: skip
    assert sync.stages["index-product"] == {"completed": 1}
    first, second = Picture.objects.order_by("position")
    assert (first.status, first.width_px, first.height_px) == ("ready", 600, 600)
    assert first.sha256 == second.sha256
    files = sorted(path.suffix for path in settings.MEDIA_ROOT.rglob("*") if path.is_file())
    assert files == [".jpg", ".webp"]  # equal bytes share their files


@pytest.mark.parametrize(
    ("pictures", "ending", "code"),
    [
        (["missing-1"], "rejected", "picture.missing"),
        ([], "rejected", "picture.missing"),
        (["broken-1"], "rejected", "picture.undecodable"),
        (["small-1"], "rejected", "picture.too_small"),
        (["missing-1", "good-1"], "live", None),
    ],
)
def test_a_bad_picture_is_no_failed_job_but_a_verdict(
    session: Session,
    search_index: str,
    sync: SyncRun,
    product_with: Callable[..., Product],
    pictures: list[str],
    ending: str,
    code: str | None,
) -> None:
    product = product_with(*pictures)
    enqueue_stage("process-images", [product], sync=sync)
    drain(session, *STAGES)

    assert status_and_codes(product) == (ending, [code] if code else [])
    stages = {task: states for task, states in job_counts().items() if task != "notify-seller"}  # it is due later
    assert {state for states in stages.values() for state in states} == {"completed"}


def test_a_picture_that_cannot_be_had_now_is_tried_again_alone(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product], site: Site
) -> None:
    stumbling, limited = product_with("once-1", title="Red lamp"), product_with("slow-1", title="Blue lamp")
    fine = product_with("good-1", title="Green lamp")
    enqueue_stage("process-images", [stumbling, limited, fine], sync=sync)
    drain(session, "process-images")

    assert job_counts()["process-images"] == {"scheduled": 2, "completed": 1}
    Domain.objects.update(retry_at=None)  # the site asked for a second of rest
    Job.objects.filter(state="scheduled").update(state="pending", run_at=timezone.now())
    drain(session, *STAGES)

    assert [status_and_codes(it)[0] for it in (stumbling, limited, fine)] == ["live"] * 3
    assert sorted(site.asked) == ["/good-1.jpg", "/once-1.jpg", "/once-1.jpg", "/slow-1.jpg", "/slow-1.jpg"]


def test_pictures_that_never_come_are_told_and_a_retry_by_staff_brings_the_product_back(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product], site: Site
) -> None:
    product = product_with("away-1")
    enqueue_stage("process-images", [product], sync=sync)
    Job.objects.filter(task="process-images").update(max_attempts=1)
    drain(session, *STAGES)
    assert status_and_codes(product) == ("dead", ["catalog.site_failing"])
    assert DeadLetter.objects.count() == 1

    Product.objects.update(picture_addresses=[f"{site.address}/good-1.jpg"])
    enqueue_stage("process-images", [product], sync=sync, occasion=":again")
    drain(session, *STAGES)

    assert status_and_codes(product) == ("live", [])


def test_a_second_run_of_each_stage_changes_nothing(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product], site: Site
) -> None:
    product = product_with("good-1")
    enqueue_stage("process-images", [product], sync=sync)
    drain(session, *STAGES)
    before = (
        list(Product.objects.values("status", "reasons", "embedding_input_hash")),
        list(Picture.objects.values()),
        list(StoredVector.objects.values("fingerprint", "input_hash")),
        list(Verdict.objects.values()),
        index.row_hashes(search_index, [product.pk]),
        index.changes(),
    )

    for number, stage in enumerate(STAGES):
        enqueue_stage(stage, [product], sync=sync, occasion=f":again{number}")
        drain(session, stage)

    after = (
        list(Product.objects.values("status", "reasons", "embedding_input_hash")),
        list(Picture.objects.values()),
        list(StoredVector.objects.values("fingerprint", "input_hash")),
        list(Verdict.objects.values()),
        index.row_hashes(search_index, [product.pk]),
        index.changes(),
    )
    assert after == before
    assert site.asked == ["/good-1.jpg"]


def test_pictures_beyond_the_new_end_are_dropped(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product]
) -> None:
    product = product_with("good-1")
    for position in range(3):
        add_picture(product, position=position)
    enqueue_stage("process-images", [product], sync=sync)
    drain(session, "process-images")

    assert [it.source_address[-11:] for it in product.pictures.all()] == ["/good-1.jpg"]


def test_equal_texts_are_embedded_once(session: Session, search_index: str, sync: SyncRun) -> None:
    products = [make_product(sync, "Red lamp") for _ in range(3)]
    enqueue_stage("generate-embedding", products, sync=sync)
    drain(session, "generate-embedding")

    (vector,) = StoredVector.objects.all()
    assert len(vector.vector) == 768 * 4
    assert set(Product.objects.values_list("embedding_input_hash", flat=True)) == {vector.input_hash}
    assert len(index.row_hashes(search_index, [it.pk for it in products])) == 3
    assert job_counts()["quality-control"] == {"pending": 3}


def test_a_live_product_stays_shown_until_its_new_verdict(session: Session, search_index: str, sync: SyncRun) -> None:
    product = make_product(sync, "Red lamp")
    add_picture(product)
    enqueue_stage("generate-embedding", [product], sync=sync)
    drain(session, *STAGES)
    Product.objects.update(price=None)

    enqueue_stage("generate-embedding", [product], sync=sync, occasion=":again")
    drain(session, "generate-embedding")
    assert status_and_codes(product) == ("live", [])
    assert list(index.visible_rows(search_index, product.seller_id)) == [product.pk]

    enqueue_stage("quality-control", [product], sync=sync, occasion=":again")
    drain(session, "quality-control")
    assert status_and_codes(product) == ("rejected", ["price.missing"])
    drain(session, "index-product")
    assert index.row_hashes(search_index, [product.pk]) == {}


def test_an_index_that_is_away_costs_a_retry_and_no_product(
    session: Session, search_index: str, sync: SyncRun, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = make_product(sync, "Red lamp")
    add_picture(product)
    enqueue_stage("generate-embedding", [product], sync=sync)
    uri, settings.MILVUS_URI = settings.MILVUS_URI, "http://127.0.0.1:1"
    monkeypatch.setattr(patiently, "__kwdefaults__", {"patience_s": 0.2})
    drain(session, "generate-embedding")
    assert Job.objects.get(task="generate-embedding").error_code == "index.unavailable"
    assert StoredVector.objects.count() == 1  # it is not embedded again
    assert set(Product.objects.values_list("embedding_input_hash", flat=True)) == {""}

    settings.MILVUS_URI = uri
    Job.objects.filter(state="scheduled").update(state="pending", run_at=timezone.now())
    drain(session, *STAGES)

    assert status_and_codes(product) == ("live", [])


def test_what_a_sync_did_not_find_is_gone_and_off_the_index(session: Session, search_index: str, sync: SyncRun) -> None:
    kept, gone = make_product(sync, "Red lamp"), make_product(sync, "Blue lamp")
    for product in (kept, gone):
        add_picture(product)
    enqueue_stage("generate-embedding", [kept, gone], sync=sync)
    drain(session, *STAGES)
    end(session)
    following = make_sync(sync.seller)
    Product.objects.filter(pk=kept.pk).update(last_sync=following)
    end(session)

    following.refresh_from_db()
    assert following.outcome["gone"] == following.gone == 1
    assert following.outcome["found"] == following.outcome["live"] == 1
    assert status_and_codes(gone) == ("gone", [])
    assert list(index.visible_rows(search_index, sync.seller_id)) == [kept.pk]
    assert [found.product for found in search_products(Search(query="lamp")).results] == [kept]


def test_the_end_of_a_sync_comes_once(session: Session, search_index: str, sync: SyncRun) -> None:
    end(session)
    sync.refresh_from_db()
    finished_at = sync.finished_at
    make_product(sync, "Found too late")

    enqueue(NewJob("finish-sync", {"sync": sync.pk}, key="again"))
    drain(session, "sync-seller")

    sync.refresh_from_db()
    assert (sync.finished_at, sync.outcome["found"]) == (finished_at, 0)


@pytest.mark.parametrize("state", ["dead", "failed", "cancelled"])
def test_a_catalog_that_was_not_read_to_its_end_takes_nothing_down(
    session: Session, search_index: str, sync: SyncRun, state: str
) -> None:
    earlier = make_product(sync, "Red lamp")
    Product.objects.update(last_sync=None)
    Job.objects.filter(task="scrape-catalog").update(state=state, error_code="catalog.list_incomplete")

    end(session)

    sync.refresh_from_db()
    assert (sync.status, sync.error_code, sync.gone) == ("failed", "catalog.list_incomplete", 0)
    assert status_and_codes(earlier)[0] == "pending"


def test_the_end_of_a_sync_repairs_what_the_index_shows(session: Session, search_index: str, sync: SyncRun) -> None:
    product = make_product(sync, "Red lamp")
    add_picture(product)
    enqueue_stage("generate-embedding", [product], sync=sync)
    drain(session, *STAGES)
    with index.write_lock():
        index.delete(search_index, [product.pk])

    end(session)

    assert list(index.visible_rows(search_index, sync.seller_id)) == [product.pk]
    assert Job.objects.filter(task="index-product", grp=sync.group).count() == 1


def test_a_product_that_no_list_filed_stands_where_its_own_page_says(
    session: Session, search_index: str, sync: SyncRun
) -> None:
    filed = make_product(sync, "Red lamp", breadcrumbs=["Home", "Sale", "Red lamp"], categories=["Lamps"])
    ProductCategory.objects.update(sync_id=sync.pk)
    unfiled = make_product(sync, "Blue lamp", breadcrumbs=["Home", "Lamps", "Floor lamps", "Blue lamp"])
    for product in (filed, unfiled):
        add_picture(product)
    enqueue_stage("generate-embedding", [filed, unfiled], sync=sync)
    drain(session, *STAGES)

    end(session)

    paths = [list(product.categories.values_list("path", flat=True)) for product in (filed, unfiled)]
    assert paths == [["Lamps"], ["Lamps > Floor lamps"]]
    repaired = Job.objects.filter(task="index-product", payload__repair=True)
    assert [job.payload["product"] for job in repaired] == [unfiled.pk]


def test_an_accepted_text_is_judged_and_found_and_gone_when_it_is_undone(
    session: Session, search_index: str, sync: SyncRun, product_with: Callable[..., Product]
) -> None:
    product = product_with("good-1", content_hash="a" * 64)
    enqueue_stage("process-images", [product], sync=sync)
    drain(session, *STAGES)
    end(session)
    text = propose(product, text="Crimson lantern")

    accept_text(text.pk, actor="pia")
    assert [found.product for found in search_products(Search(query="lamp")).results] == [product]  # still shown
    drain(session, *STAGES)

    assert status_and_codes(product) == ("live", [])
    assert [found.product.title for found in search_products(Search(query="crimson lantern")).results] == [
        "Crimson lantern"
    ]
    assert [verdict.content["title"] for verdict in Verdict.objects.order_by("pk")] == ["Red lamp", "Crimson lantern"]

    undo_text(text.pk, actor="pia")
    drain(session, *STAGES)
    assert Verdict.objects.first().content["title"] == "Red lamp"
    assert index.row_hashes(search_index, [product.pk]).keys() == {product.pk}
    product.refresh_from_db()
    assert (product.title, product.edits) == ("Red lamp", {})
