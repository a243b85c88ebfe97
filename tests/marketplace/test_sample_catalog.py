"""The sample catalog: its editions, its defects, its pictures and its pages."""

import hashlib
import json
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from marketplace.demo.sample_catalog.drawing import SIDE_PX, draw_missing
from marketplace.demo.sample_catalog.products import ENDINGS, Edition, SampleProduct, make_edition
from tests.sample_shop import sample_catalog


@pytest.fixture(scope="module")
def base() -> Edition:
    return make_edition(count=1184, seed=1, number=1)


def test_the_same_seed_makes_the_same_catalog(base: Edition) -> None:
    assert make_edition(count=1184, seed=1, number=1) == base
    assert make_edition(count=1184, seed=2, number=1) != base


def test_about_six_percent_have_a_defect_and_every_kind_occurs(base: Edition) -> None:
    defects = Counter(product.defect for product in base.products if product.defect)

    assert set(defects) == set(ENDINGS)
    assert 66 <= defects.total() <= 72
    assert len({product.id for product in base.products}) == 1184


def test_a_small_catalog_has_every_kind_of_defect_too() -> None:
    products = make_edition(count=80, seed=1, number=1).products

    assert {product.defect for product in products} == {None, *ENDINGS}


def test_a_duplicate_is_listed_after_its_original_in_the_same_collection(base: Edition) -> None:
    places = {product.id: place for place, product in enumerate(base.products)}
    copies = [product for product in base.products if product.defect == "duplicate"]

    assert copies
    for copy in copies:
        original = base.products[places[copy.picture_of]]
        assert places[original.id] < places[copy.id]
        assert original.defect is None
        assert copy.collections == (original.collections[0],)
        assert _said(copy) == _said(original)


def test_only_copies_say_what_another_says(base: Edition) -> None:
    said = Counter(_said(product) for product in base.products if product.defect != "duplicate")

    assert said.most_common(1)[0][1] == 1


@pytest.mark.parametrize("number", [2, 3])
def test_an_edition_changes_five_adds_two_and_removes_three(number: int) -> None:
    before = {product.external_id: product for product in make_edition(count=200, seed=1, number=number - 1).products}
    edition = make_edition(count=200, seed=1, number=number)
    after = {product.external_id: product for product in edition.products}

    assert after.keys() - before.keys() == set(edition.added)
    assert before.keys() - after.keys() == set(edition.removed)
    differing = {key for key in after.keys() & before.keys() if after[key] != before[key]}
    assert differing == set(edition.changed)
    assert (len(edition.changed), len(edition.added), len(edition.removed)) == (5, 2, 3)
    assert all(before[key].defect is None for key in (*edition.changed, *edition.removed))
    assert len(edition.gone) == 3 * (number - 1)


def test_pictures_all_differ_and_are_drawn_once(tmp_path: Path) -> None:
    products = make_edition(count=64, seed=1, number=1).products

    drawn = draw_missing(products, tmp_path, seed=1, progress=lambda *_: None)
    again = draw_missing(products, tmp_path, seed=1, progress=lambda *_: None)

    pictures = sorted(tmp_path.iterdir())
    assert (len(pictures), again) == (drawn, 0)
    assert len({hashlib.sha256(path.read_bytes()).digest() for path in pictures}) == drawn
    healthy = next(product for product in products if product.defect is None)
    with Image.open(tmp_path / healthy.picture) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIDE_PX, SIDE_PX))


def test_it_serves_pages_with_etags_and_writes_the_truth(tmp_path: Path) -> None:
    with sample_catalog(tmp_path, products=80) as address:
        truth = json.loads((tmp_path / "truth-1.json").read_text())
        origin = address.partition("/c/")[0]
        healthy = next(key for key, ends in truth["products"].items() if ends["defect"] is None)
        page = f"{origin}/p/{healthy.removeprefix('whatsapp:')}/{address.rpartition('/')[2]}"
        with urllib.request.urlopen(page) as reply:
            etag, html = reply.headers["ETag"], reply.read().decode()
        request = urllib.request.Request(page, headers={"If-None-Match": etag})
        with pytest.raises(urllib.error.HTTPError) as unchanged:
            urllib.request.urlopen(request)
        unchanged.value.close()
        with urllib.request.urlopen(f"{origin}/sample/stats") as reply:
            stats = json.load(reply)

    assert "Sample catalog for Souk's demo" in html
    assert 'property="og:title"' in html
    assert unchanged.value.code == 304
    assert (stats["product_200"], stats["product_304"]) == (1, 1)
    assert truth["found"] == len(truth["products"]) == 80


def _said(product: SampleProduct) -> tuple[str, str, str, str]:
    return product.title, product.description, str(product.price), product.picture
