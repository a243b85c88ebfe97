"""Products like a product, and products that look like a picture, in the real index; and without it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter
from catalog.indexing import Purpose, mark_live, write_products
from catalog.pictures import render_picture, store_file
from catalog.search.pictures import search_by_picture
from catalog.search.similar import similar_products
from marketplace.models import Product
from qc.models import Verdict
from tests.catalog.products import add_picture, make_product, make_seller, make_sync, picture_bytes

pytestmark = pytest.mark.django_db


def show(products: list[Product]) -> None:
    for product in products:
        Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    ids = [product.pk for product in products]
    assert write_products(ids, purpose=Purpose.SHOW, embedder=HashingEmbedder()).shown == set(ids)
    assert mark_live(ids) == len(ids)


def give_picture(product: Product, data: bytes) -> None:
    rendered = render_picture(data)
    store_file(Path(django_settings.MEDIA_ROOT), rendered.thumbnail_name, rendered.thumbnail)
    store_file(Path(django_settings.MEDIA_ROOT), rendered.display_name, rendered.display)
    add_picture(
        product,
        sha256=rendered.sha256,
        perceptual_hash=rendered.perceptual_hash,
        thumbnail=rendered.thumbnail_name,
        display=rendered.display_name,
    )


def test_likeness_is_found_with_and_without_the_index(
    search_index: str, settings: Any, tmp_path: Path, client: Client
) -> None:
    settings.MEDIA_ROOT = tmp_path
    sync = make_sync(make_seller())
    titles = ("Red table lamp", "Blue table lamp", "Table lamp, red", "Oak chair")
    lamp, blue, copy, chair = products = [make_product(sync, title) for title in titles]
    for seed, product in enumerate((lamp, blue, chair), start=1):
        give_picture(product, picture_bytes(seed=seed))
    Product.objects.filter(pk=copy.pk).update(duplicate_of=lamp)
    show(products)

    similar = similar_products(lamp.pk)
    assert [found.product for found in similar.results] == [blue]
    assert similar.results[0].legs.keys() == {"meaning"}
    assert (similar.is_degraded, similar.is_cached) == (False, False)
    assert similar_products(lamp.pk).is_cached
    assert [it.product for it in similar_products(copy.pk, limit=5).results] == [blue]

    same = search_by_picture(picture_bytes(seed=1, quality=60), where=IndexFilter())
    assert same.results[0].product == lamp
    assert same.results[0].legs.keys() == {"same_picture", "picture"}
    assert not same.is_degraded
    assert search_by_picture(picture_bytes(seed=1), where=IndexFilter(max_price=Decimal(1))).results == []
    reply = client.post("/api/search/image/", {"picture": _file(picture_bytes(300, 200, seed=3)), "limit": 1})
    assert [it["id"] for it in reply.json()["results"]] == [chair.pk]

    Product.objects.filter(pk=blue.pk).update(status=Product.Status.REJECTED)
    assert similar_products(lamp.pk).results == []
    assert client.get(f"/api/search/similar/{lamp.pk}/").json()["results"] == []

    settings.MILVUS_URI = "http://127.0.0.1:3"
    Product.objects.filter(pk=blue.pk).update(status=Product.Status.LIVE)
    without = search_by_picture(picture_bytes(seed=1), where=IndexFilter())
    assert ([it.product for it in without.results], without.is_degraded) == ([lamp], True)
    by_words = similar_products(blue.pk)
    assert ([it.product for it in by_words.results], by_words.is_degraded) == ([lamp, copy], True)


def _file(content: bytes) -> Any:
    return SimpleUploadedFile("a.jpg", content)
