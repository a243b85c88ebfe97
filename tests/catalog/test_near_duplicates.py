"""Near-duplicates: the same goods listed twice, on the real stage of pictures."""

import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageEnhance

from catalog.likeness import title_key
from jobs.models import Job
from jobs.session import Session
from marketplace.models import Product, SyncRun
from tests.catalog.products import drain, enqueue_stage, make_product, make_seller, make_sync, picture_bytes
from tests.sample_shop import Answer, small_site

pytestmark = pytest.mark.django_db

LAMP = picture_bytes(800, 600, seed=11, quality=92)
BOWL = picture_bytes(800, 600, seed=12, quality=92)


def again(data: bytes, *, width: int, quality: int) -> bytes:
    """Return a picture as another part of a shop would serve it: scaled and compressed once more."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.resize((width, width * image.height // image.width)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def recoloured(data: bytes) -> bytes:
    """Return a picture of the same thing in another colour: as light and as dark, place by place."""
    out = io.BytesIO()
    image = ImageEnhance.Color(Image.open(io.BytesIO(data)).convert("L").convert("RGB")).enhance(1.0)
    grey = image.convert("L")
    Image.merge("RGB", (grey, grey.point(lambda value: value // 2), grey.point(lambda value: value // 3))).save(
        out, "JPEG", quality=92
    )
    return out.getvalue()


PICTURES = {
    "/lamp.jpg": LAMP,
    "/lamp-small.jpg": again(LAMP, width=640, quality=70),
    "/lamp-red.jpg": recoloured(LAMP),
    "/bowl.jpg": BOWL,
}


@pytest.fixture
def make(settings: Any, tmp_path: Path, sync: SyncRun) -> Iterator[Callable[..., Product]]:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        return (200, {"Content-Type": "image/jpeg"}, PICTURES[path]) if path in PICTURES else (404, {}, b"")

    settings.MEDIA_ROOT = tmp_path / "media"
    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.split("/")[2]]

        def make_one(picture: str, title: str = "Red Lamp", **fields: Any) -> Product:
            return make_product(sync, title, picture_addresses=[f"{address}/{picture}.jpg"], **fields)

        yield make_one


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


def original_of(product: Product) -> int | None:
    product.refresh_from_db()
    return product.duplicate_of_id


def test_the_same_title_and_picture_make_a_later_product_a_copy(
    session: Session, sync: SyncRun, make: Callable[..., Product]
) -> None:
    first, copy = make("lamp"), make("lamp-small", "red lamp", description="Said in other words.")
    enqueue_stage("process-images", [first, copy], sync=sync)
    drain(session, "process-images")

    assert (original_of(first), original_of(copy)) == (None, first.pk)


@pytest.mark.parametrize(
    "other",
    [
        {"picture": "lamp-red"},
        {"picture": "bowl"},
        {"picture": "lamp-small", "price": Decimal("21.00")},
        {"picture": "lamp-small", "title": "Red Lamp, tall"},
        {"picture": "lamp", "sku": "L-2"},
        {"picture": "lamp", "gtin": "4006381333931"},
    ],
)
def test_products_that_differ_in_colour_price_title_or_number_are_no_copies(
    session: Session, sync: SyncRun, make: Callable[..., Product], other: dict[str, Any]
) -> None:
    products = [make("lamp", sku="L-1", gtin="4006381333900"), make(**{"sku": "", **other})]
    enqueue_stage("process-images", products, sync=sync)
    drain(session, "process-images")

    assert [original_of(product) for product in products] == [None, None]


def test_a_product_that_was_shown_is_judged_anew_when_it_becomes_a_copy(
    session: Session, sync: SyncRun, make: Callable[..., Product]
) -> None:
    first, shown = make("lamp"), make("lamp-small")
    enqueue_stage("process-images", [shown], sync=sync)
    drain(session, "process-images")
    Product.objects.filter(pk=shown.pk).update(embedding_fingerprint="x", status="live")
    enqueue_stage("process-images", [first], sync=sync)
    drain(session, "process-images")

    assert original_of(shown) == first.pk
    judged = Job.objects.filter(task="quality-control")
    assert [job.payload["product"] for job in judged] == [shown.pk]


def test_a_second_run_leaves_copies_as_they_are(session: Session, sync: SyncRun, make: Callable[..., Product]) -> None:
    first, copy = make("lamp"), make("lamp-small")
    for occasion in ("", ":again"):
        enqueue_stage("process-images", [copy, first], sync=sync, occasion=occasion)
        drain(session, "process-images")
        assert (original_of(first), original_of(copy)) == (None, first.pk)
    assert not Job.objects.filter(task="quality-control").exists()


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Red  Lamp!", "red lamp"),
        ("RED-LAMP", "red lamp"),
        ("Größe 38", "grösse 38"),
        ("", ""),
        ("Лампа (красная)", "лампа красная"),
    ],
)
def test_a_title_is_the_same_without_case_and_punctuation(title: str, key: str) -> None:
    assert title_key(title) == key
