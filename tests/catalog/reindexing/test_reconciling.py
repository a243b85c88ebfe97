"""The index is compared with PostgreSQL row by row, and mended."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
from catalog.embedders.layout import LayoutEmbedder
from catalog.index import IndexFilter, Kind
from catalog.indexing import Purpose, mark_live, write_products
from catalog.milvus import milvus_client
from catalog.models import SearchIndex
from catalog.reindexing import reconciling
from catalog.reindexing.reconciling import index_figures, reconcile
from marketplace.models import Product
from qc.models import Verdict
from tests.catalog.indexes.embedders import SpentEmbedder
from tests.catalog.products import add_picture, make_product, make_seller, make_sync, picture_bytes

hashing, layout = HashingEmbedder(), LayoutEmbedder()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("other_embedders")]


@pytest.fixture
def products(search_index: str, settings: Any, tmp_path: Path) -> list[Product]:
    """Six live products in the index, the first two with a picture; and one on its way, with a hidden row."""
    settings.MEDIA_ROOT = tmp_path
    sync = make_sync(make_seller())
    made = [make_product(sync, f"red lamp {number}") for number in range(7)]
    for number, product in enumerate(made[:2]):
        (tmp_path / f"{number}.jpg").write_bytes(picture_bytes(seed=number))
        add_picture(product, thumbnail=f"{number}.jpg", sha256=f"{number}" * 64)
    for product in made[:6]:
        Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    ids = [product.pk for product in made]
    write_products(ids, purpose=Purpose.PREPARE, embedder=hashing)
    mark_live(write_products(ids[:6], purpose=Purpose.SHOW, embedder=hashing).shown)
    return made


def spoil(products: list[Product]) -> None:
    """Let the index miss one, hold one as it was, hold one that is no more, and miss a picture."""
    ids = [product.pk for product in products]
    with index.write_lock():
        index.delete(hashing.fingerprint, [ids[2]])
        index.delete(layout.fingerprint, [ids[0]], Kind.PICTURES)
    Product.objects.filter(pk=ids[3]).update(price=99)
    Product.objects.filter(pk=ids[4]).update(status="gone")
    products[5].delete()


def test_what_differs_is_found_then_mended_then_equal(
    products: list[Product], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reconciling, "RANGE", 2)
    ids = [product.pk for product in products]
    assert reconcile(hashing, only_check=True).is_equal
    spoil(products)

    with caplog.at_level(logging.ERROR, logger="catalog.reindexing.reconciling"):
        checked = reconcile(hashing, only_check=True)
    mended = reconcile(hashing)
    again = reconcile(hashing)

    for comparison in (checked, mended):
        assert comparison.missing == {"products": [ids[2]], "pictures": [ids[0]]}
        assert comparison.stale == {"products": [ids[3]], "pictures": []}
        assert comparison.surplus == {"products": [ids[4], ids[5]], "pictures": []}
    assert (checked.repaired, mended.repaired, again.repaired) == (0, 5, 0)
    assert (again.is_equal, again.products, again.rows, again.pictures) == (True, 4, 5, 2)
    assert index_figures()["reconciliation"]["missing"] == 0
    assert [it.message for it in caplog.records] == ["the search index differed from PostgreSQL"] * 2


def test_an_index_that_was_lost_is_built_again_without_embedding(products: list[Product]) -> None:
    for name in milvus_client().list_collections():
        if name.startswith(index.collection_name("")[: -len("_v3_")]):
            milvus_client().drop_collection(name)

    found = reconcile(SpentEmbedder())

    assert (len(found.missing["products"]), len(found.missing["pictures"]), found.repaired) == (6, 2, 8)
    (vector,) = layout.embed_pictures([picture_bytes(seed=1)])
    hits = index.nearest_pictures(layout.fingerprint, vector, where=IndexFilter(), limit=5, min_similarity=0.9)
    assert [hit.product_id for hit in hits] == [products[1].pk]


def test_the_command_checks_mends_and_tells(products: list[Product], capsys: pytest.CaptureFixture[str]) -> None:
    spoil(products)
    seller_id = products[0].seller_id

    with pytest.raises(CommandError, match="without --check it is mended"):
        call_command("reindex", "--check", "--json")
    figures = json.loads(capsys.readouterr().out)
    assert {name: figures[name] for name in ("products", "missing", "stale", "surplus", "repaired")} == {
        "products": 4, "missing": 2, "stale": 1, "surplus": 2, "repaired": 0,
    }  # fmt: skip
    call_command("reindex", f"--seller={seller_id}")
    assert capsys.readouterr().out.startswith(
        "4 live products, 6 rows, 1 of pictures; 2 missing, 1 stale, 2 surplus; 5 "
    )
    call_command("reindex", "--check")
    assert "0 missing, 0 stale, 0 surplus; 0 repaired" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seller=999999"], "there is no seller 999999"),
        (["--embedder=other"], "say why with --reason"),
        (["--embedder=other", "--reason=x", "--check"], "give neither --check nor --seller"),
        (["--embedder=nothing", "--reason=x"], "No embedder is named 'nothing'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("reindex", *arguments)


def test_the_command_asks_the_workers_for_another_embedder(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("reindex", "--embedder=other", "--reason=better vectors", "--json")

    told = json.loads(capsys.readouterr().out)
    row = SearchIndex.objects.get(state="building")
    assert (told["index"], told["state"], row.embedder, row.reason) == (row.pk, "building", "other", "better vectors")
