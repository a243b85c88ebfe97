"""Another embedder's index: built beside the one in use, complete when searches change over, given up cleanly."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog import index
from catalog.embedders.current import current_embedder
from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter, Kind
from catalog.indexes.standing import EmbedderChanged
from catalog.indexing import Purpose, mark_live, write_products
from catalog.milvus import milvus_client, patiently
from catalog.models import IndexChange, SearchIndex
from catalog.reindexing import building
from catalog.reindexing.building import BuildingRefused, advance, cancel_building, change_embedder
from catalog.reindexing.reconciling import index_figures, reconcile
from catalog.reindexing.sweeping import drop_old_indexes
from jobs.audit import ReasonMissing
from jobs.execution import run_once
from jobs.models import Audit, Job
from jobs.permits import batch_size_of
from jobs.session import Session
from marketplace.models import Product, SyncRun
from qc.models import Verdict
from tests.catalog.indexes.embedders import OtherEmbedder
from tests.catalog.products import add_picture, drain, make_product, make_seller, make_sync, picture_bytes

hashing, other = HashingEmbedder(), OtherEmbedder()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("other_embedders")]


def publish(sync: SyncRun, title: str, embedder: HashingEmbedder = hashing) -> Product:
    product = make_product(sync, title, categories=["Home > Lamps"])
    Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    mark_live(write_products([product.pk], purpose=Purpose.SHOW, embedder=embedder).shown)
    return product


def found(embedder: HashingEmbedder, query: str) -> set[int]:
    (vector,) = embedder.embed_queries([query])
    hits = patiently(
        lambda: index.nearest(embedder.fingerprint, vector, where=IndexFilter(), limit=10, min_similarity=0.3)
    )
    return {hit.product_id for hit in hits}


def states() -> dict[str, str]:
    return dict(SearchIndex.objects.values_list("embedder", "state"))


def test_searches_change_over_when_nothing_is_missing(
    session: Session, search_index: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "1.jpg").write_bytes(picture_bytes())
    monkeypatch.setattr(building, "SLICE", 2)
    sync = make_sync(make_seller())
    first, second, third = (publish(sync, title) for title in ("red lamp", "blue lamp", "oak chair"))
    version = index.current_version()

    row = change_embedder("other", actor="ada", reason="better vectors")
    for _ in range(2):  # the beginning, and the first slice
        assert run_once("generate-embedding", session=session, limit=1) == 1
    row.refresh_from_db()
    assert (row.state, row.done, row.total) == ("building", 2, 3)
    assert (current_embedder().fingerprint, found(hashing, "red lamp")) == ("hashing_v1", {first.pk, second.pk})

    Product.objects.filter(pk=first.pk).update(status="gone")  # what the new index holds already changes
    add_picture(second, thumbnail="1.jpg", sha256="5" * 64)
    write_products([first.pk, second.pk], purpose=Purpose.SHOW, embedder=hashing)
    fourth = publish(sync, "red chair")
    assert set(IndexChange.objects.values_list("product_id", flat=True)) == {first.pk, second.pk, fourth.pk}
    drain(session, "generate-embedding")

    row.refresh_from_db()
    assert (row.state, states(), IndexChange.objects.count()) == (
        "active",
        {"other": "active", "hashing": "retired"},
        0,
    )
    assert current_embedder().fingerprint == "other_v1"
    assert found(other, "chair") == {third.pk, fourth.pk}
    assert set(index.row_hashes(row.picture_fingerprint, [second.pk, third.pk], Kind.PICTURES)) == {second.pk}
    assert reconcile(current_embedder(), only_check=True).is_equal
    assert milvus_client().describe_alias(settings.INDEX_COLLECTION)["collection_name"] == row.collection
    assert index.current_version() > version
    assert found(hashing, "red lamp")  # a process that has not heard of it finds the old index as it was
    with pytest.raises(EmbedderChanged):
        write_products([third.pk], purpose=Purpose.SHOW, embedder=hashing)
    assert [(it.actor, it.action, it.reason) for it in Audit.objects.all()] == [
        ("ada", "change embedder", "better vectors")
    ]

    assert drop_old_indexes() == []
    SearchIndex.objects.filter(state="retired").update(retired_at=timezone.now() - timedelta(minutes=61))
    assert drop_old_indexes() == [SearchIndex.objects.get(state="retired").pk]
    assert not milvus_client().has_collection(index.collection_name("hashing_v1"))
    assert milvus_client().has_collection(row.pictures_collection)  # both have the same
    assert drop_old_indexes() == []


def test_a_step_that_was_done_is_not_done_again(search_index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "SLICE", 1)
    sync = make_sync(make_seller())
    products = [publish(sync, title) for title in ("red lamp", "blue lamp")]
    row = change_embedder("other", actor="ada", reason="better vectors")
    steps = []
    step: int | None = 0
    while step is not None:
        once, twice = advance(row.pk, step=step), advance(row.pk, step=step)
        assert once == twice
        steps.append(once.done)
        step = once.next_step

    assert steps == [0, 1, 2, 2]
    assert set(index.row_hashes("other_v1", [it.pk for it in products])) == {it.pk for it in products}
    assert Job.objects.filter(task=building.TASK).count() == 1


def test_more_changes_than_the_lock_should_be_held_for_are_caught_up_before(
    search_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "FEW", 1)
    monkeypatch.setattr(building, "SLICE", 2)
    sync = make_sync(make_seller())
    row = change_embedder("other", actor="ada", reason="better vectors")
    assert advance(row.pk, step=0).next_step == 1
    products = [publish(sync, title) for title in ("red lamp", "blue lamp", "oak chair", "red chair")]
    SearchIndex.objects.update(cursor=products[-1].pk)  # as if all had been copied

    left = [IndexChange.objects.count()]
    for step in (1, 2, 3):
        advance(row.pk, step=step)
        left.append(IndexChange.objects.count())

    assert left == [4, 2, 0, 0]
    assert states()["other"] == "active"
    assert len(index.row_hashes("other_v1", [it.pk for it in products])) == 4


def test_an_embedder_that_cannot_run_says_why_and_nothing_else_changes(session: Session, search_index: str) -> None:
    product = publish(make_sync(make_seller()), "red lamp")
    row = change_embedder("absent", actor="ada", reason="better vectors")

    drain(session, "generate-embedding")

    row.refresh_from_db()
    assert (row.state, row.error_code) == ("failed", "test.not_here")
    assert row.error_message.startswith("The model's library is not installed here")
    assert (states()["hashing"], found(hashing, "red lamp")) == ("active", {product.pk})
    assert not milvus_client().has_collection(index.collection_name("absent_v1"))


def test_a_cancelled_index_goes_no_further(session: Session, search_index: str) -> None:
    publish(make_sync(make_seller()), "red lamp")
    row = change_embedder("other", actor="ada", reason="better vectors")
    run_once("generate-embedding", session=session, limit=1)
    assert index_figures()["building"] == {"embedder": "other", "done": 0, "total": 1}

    assert cancel_building(row.pk, actor="ben", reason="not now")
    assert not cancel_building(row.pk, actor="ben", reason="not now")
    drain(session, "generate-embedding")

    row.refresh_from_db()
    assert (row.state, row.done, states()["hashing"]) == ("cancelled", 0, "active")
    assert list(Job.objects.filter(task=building.TASK).values_list("state", flat=True)) == ["completed", "completed"]
    assert [it.action for it in Audit.objects.order_by("pk")] == ["change embedder", "cancel search index"]
    SearchIndex.objects.filter(pk=row.pk).update(finished_at=timezone.now() - timedelta(hours=2))
    assert drop_old_indexes() == [row.pk]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fasttext", "No embedder is named 'fasttext'. There are: absent, gemini, hashing, other, siglip."),
        ("hashing", "hashing is in use already. `manage.py reindex` compares its index, and mends it."),
        ("absent", "An index of other is being built; cancel it first, or wait."),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, message: str) -> None:
    change_embedder("other", actor="ada", reason="better vectors")

    with pytest.raises(BuildingRefused, match=f"^{message.replace('.', '[.]')}$"):
        change_embedder(name, actor="ada", reason="better vectors")

    assert SearchIndex.objects.count() == 2


def test_nobody_changes_the_embedder_without_a_reason() -> None:
    with pytest.raises(ReasonMissing):
        change_embedder("other", actor="ada", reason=" ")

    assert not SearchIndex.objects.filter(embedder="other").exists()


def test_the_care_of_the_index_makes_no_batch_of_products_smaller() -> None:
    assert (batch_size_of("generate-embedding"), batch_size_of("index-product")) == (64, 256)
