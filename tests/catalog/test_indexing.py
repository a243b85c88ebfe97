"""Indexing: which row a product should have, and that it gets it."""

from types import SimpleNamespace

import pytest

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
from catalog.indexes import flushing
from catalog.indexing import Purpose, Wanted, mark_live, stale_products, wanted, write_products
from jobs.models import Job
from marketplace.models import Product
from qc.models import Verdict
from tests.catalog.products import make_product, make_seller, make_sync

embedder = HashingEmbedder()
Status = Product.Status
LOST = [{"code": "catalog.page_not_found"}]
SETBACK = [{"code": "index.unavailable"}]


def approve(*products: Product, decision: str = "approved") -> None:
    for product in products:
        Verdict.objects.create(product=product, decision=decision, rule_version="1", input_hash="x")


@pytest.mark.parametrize(
    ("status", "reasons", "is_approved", "prepared", "shown", "repaired"),
    [
        (Status.PENDING, [], False, Wanted.HIDDEN, Wanted.NOTHING, Wanted.AS_IT_IS),
        (Status.PENDING, [], True, Wanted.AS_IT_IS, Wanted.VISIBLE, Wanted.AS_IT_IS),
        (Status.LIVE, [], True, Wanted.AS_IT_IS, Wanted.VISIBLE, Wanted.VISIBLE),
        (Status.REJECTED, [], False, Wanted.AS_IT_IS, Wanted.NOTHING, Wanted.NOTHING),
        (Status.FLAGGED, [], False, Wanted.AS_IT_IS, Wanted.NOTHING, Wanted.NOTHING),
        (Status.GONE, [], True, Wanted.AS_IT_IS, Wanted.NOTHING, Wanted.NOTHING),
        (Status.DEAD, LOST, True, Wanted.AS_IT_IS, Wanted.NOTHING, Wanted.NOTHING),
        (Status.DEAD, SETBACK, True, Wanted.AS_IT_IS, Wanted.VISIBLE, Wanted.AS_IT_IS),
    ],
)
def test_what_the_index_should_hold(
    status: Status, reasons: list[dict[str, str]], is_approved: bool, prepared: Wanted, shown: Wanted, repaired: Wanted
) -> None:
    product = Product(status=status, reasons=reasons)

    answers = [wanted(product, is_approved=is_approved, purpose=purpose) for purpose in Purpose]

    assert answers == [prepared, shown, repaired]


@pytest.mark.django_db
def test_a_product_is_prepared_then_shown_then_taken_off(search_index: str) -> None:
    product = make_product(make_sync(make_seller()), "Red lamp", categories=["Home > Lamps"])

    prepared = write_products([product.pk], purpose=Purpose.PREPARE, embedder=embedder)
    assert (prepared.shown, prepared.changed) == (frozenset(), 1)
    assert index.visible_rows(search_index, product.seller_id) == {}

    approve(product)
    shown = write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder)
    assert (shown.shown, shown.changed) == (frozenset({product.pk}), 1)
    assert list(index.visible_rows(search_index, product.seller_id)) == [product.pk]

    approve(product, decision="rejected")
    hidden = write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder)
    assert (hidden.shown, hidden.changed) == (frozenset(), 1)
    assert index.row_hashes(search_index, [product.pk]) == {}


@pytest.mark.django_db
def test_a_row_that_is_right_is_not_written_again(search_index: str) -> None:
    product = make_product(make_sync(make_seller()), "Red lamp")
    approve(product)
    write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder)
    changes = index.changes()

    again = write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder)

    assert (again.shown, again.changed) == (frozenset({product.pk}), 0)
    assert index.changes() == changes


@pytest.mark.django_db
def test_only_a_visible_change_makes_cached_rankings_stale(search_index: str) -> None:
    product = make_product(make_sync(make_seller()), "Red lamp")
    index.bump_version()
    changes = index.changes()

    write_products([product.pk], purpose=Purpose.PREPARE, embedder=embedder)
    assert index.changes() == changes

    approve(product)
    write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder)
    assert index.changes() > changes


@pytest.mark.django_db
def test_whoever_writes_within_ten_seconds_gets_one_flush(search_index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = make_sync(make_seller())
    now = [1_000_004.0]
    monkeypatch.setattr(flushing, "time", SimpleNamespace(time=lambda: now[0]))
    for title, at in (("A", 1_000_004.0), ("B", 1_000_009.0), ("C", 1_000_010.0)):
        now[0] = at
        write_products([make_product(sync, title).pk], purpose=Purpose.PREPARE, embedder=embedder)

    flushes = Job.objects.filter(task="flush-search-index").order_by("pk")
    assert [(it.key, it.state) for it in flushes] == [("window 100000", "scheduled"), ("window 100001", "scheduled")]


@pytest.mark.django_db
def test_only_what_is_still_approved_goes_live() -> None:
    sync = make_sync(make_seller())
    approved, rejected, unjudged, gone = (make_product(sync, title) for title in ("A", "B", "C", "D"))
    approve(approved, rejected, gone)
    approve(rejected, decision="rejected")
    Product.objects.filter(pk=gone.pk).update(status=Status.GONE)

    advice = {"code": "picture.small", "severity": "advise"}
    Product.objects.filter(pk=approved.pk).update(reasons=[SETBACK[0], advice])

    count = mark_live([approved.pk, rejected.pk, unjudged.pk, gone.pk])

    assert count == 1
    assert list(Product.objects.filter(status=Status.LIVE)) == [approved]
    approved.refresh_from_db()
    assert approved.indexed_at is not None
    assert approved.reasons == [advice]


@pytest.mark.django_db
def test_rows_that_are_not_as_they_should_be_are_found(search_index: str) -> None:
    sync = make_sync(make_seller())
    right, changed, missing, rejected, pending = (make_product(sync, title) for title in ("A", "B", "C", "D", "E"))
    everything = [right, changed, missing, rejected, pending]
    approve(*everything)
    write_products([it.pk for it in (right, changed, rejected)], purpose=Purpose.SHOW, embedder=embedder)
    Product.objects.exclude(pk=pending.pk).update(status=Status.LIVE)
    Product.objects.filter(pk=rejected.pk).update(status=Status.REJECTED)
    Product.objects.filter(pk=changed.pk).update(title="B, new season")

    assert stale_products(sync.seller_id, embedder=embedder) == [changed.pk, missing.pk, rejected.pk]
