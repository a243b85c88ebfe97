"""A recheck: just that product is read again and goes through all stages, on a real ledger and a real index."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from catalog.rereading import has_page
from catalog.robots import forget_rules
from catalog.search.asking import Search
from catalog.search.searching import search_products
from jobs.models import Job
from jobs.session import Session
from marketplace.models import Picture, Product, SyncRun
from marketplace.rechecks.asking import ask_recheck, standing_of
from marketplace.rechecks.models import Recheck
from qc.models import Verdict
from tests.catalog.products import (
    add_picture,
    drain,
    make_product,
    make_seller,
    make_sync,
    picture_bytes,
    status_and_codes,
)
from tests.sample_shop import Answer, small_site

pytestmark = pytest.mark.django_db
STAGES = ("scrape-product", "process-images", "generate-embedding", "quality-control", "index-product")
TOO_SMALL = {"code": "picture.too_small", "severity": "reject", "field": "pictures", "message": "m", "remedy": "r"}


class Shop:
    """A shop with one product: what its page says, and the picture that stands at its only address."""

    def __init__(self) -> None:
        self.address = ""
        self.price: str | None = "19.90"
        self.picture = picture_bytes(600, 600)
        self.is_there = True
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append((path, headers))
        if path == "/1.jpg":
            return 200, {"Content-Type": "image/jpeg"}, self.picture
        if path != "/p/1" or not self.is_there:
            return 404, {"Content-Type": "text/html"}, b"<html><title>Not found</title></html>"
        offer = {"@type": "Offer", "priceCurrency": "EUR"} | ({"price": self.price} if self.price else {})
        data = {"@context": "https://schema.org", "@type": "Product", "name": "Red lamp", "sku": "L1",
                "image": f"{self.address}/1.jpg", "offers": offer}  # fmt: skip
        page = f'<html><head><script type="application/ld+json">{json.dumps(data)}</script></head><body><h1>Red lamp'
        return 200, {"Content-Type": "text/html", "ETag": '"same"'}, f"{page}</h1></body></html>".encode()


@pytest.fixture
def shop(settings: Any, tmp_path: Path) -> Iterator[Shop]:
    settings.MEDIA_ROOT = tmp_path / "media"
    cache.clear()
    forget_rules()
    shop = Shop()
    with small_site(shop.answer) as address:
        host = address.split("/")[2]
        settings.FETCH_PRIVATE_HOSTS = [host]
        settings.FETCH_RATES = {host: 1000.0}
        shop.address = address
        yield shop


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


def _product(sync: SyncRun, shop: Shop, **fields: Any) -> Product:
    """Make a product as an earlier sync left it: rejected, its picture too small, its page's validators kept."""
    address = f"{shop.address}/p/1"
    values: dict[str, Any] = {
        "external_id": f"shop:{address}", "address": address, "status": "rejected", "etag": '"same"', "sku": "L1",
        "price": Decimal("19.90"), "picture_addresses": [f"{shop.address}/1.jpg"], "reasons": [TOO_SMALL],
    } | fields  # fmt: skip
    product = make_product(sync, "Red lamp", **values)
    add_picture(product, width_px=100, height_px=100, source_address=f"{shop.address}/1.jpg", sha256="old")
    Verdict.objects.create(product=product, decision="rejected", rule_version="1", input_hash="x")
    return product


def _check(product: Product, session: Session) -> Recheck:
    recheck = ask_recheck(product.pk, asked_by="ann@shop.example")
    Job.objects.filter(state="gated").update(state="pending")
    for _ in STAGES:  # gates are the dispatcher's to open: there is none
        drain(session, *STAGES)
        Job.objects.filter(state="gated").update(state="pending")
    product.refresh_from_db()
    recheck.refresh_from_db()
    return recheck


def _tasks(recheck: Recheck) -> list[tuple[str, str]]:
    return list(Job.objects.filter(grp=recheck.group).order_by("pk").values_list("task", "state"))


def test_a_better_picture_at_the_same_address_makes_the_product_live(
    session: Session, search_index: str, sync: SyncRun, shop: Shop
) -> None:
    product = _product(sync, shop)
    bystander = make_product(sync, "Blue lamp", address=f"{shop.address}/p/2")

    recheck = _check(product, session)

    assert status_and_codes(product) == ("live", [])
    assert (recheck.how, standing_of(recheck).status) == ("page", "done")
    assert _tasks(recheck) == [("recheck-product", "completed"), *((stage, "completed") for stage in STAGES)]
    assert Picture.objects.get(product=product).width_px == 600
    assert [it.product for it in search_products(Search(query="lamp")).results] == [product]
    paths = [path for path, _ in shop.asked]
    assert (paths.count("/p/1"), paths.count("/p/2")) == (1, 0)
    assert all("If-None-Match" not in headers for path, headers in shop.asked if path == "/p/1")
    bystander.refresh_from_db()
    assert (bystander.status, product.last_sync) == ("pending", sync)


def test_what_is_not_mended_is_told_so_again(session: Session, search_index: str, sync: SyncRun, shop: Shop) -> None:
    shop.price = None
    product = _product(sync, shop)
    recheck = _check(product, session)
    assert status_and_codes(product) == ("rejected", ["price.missing"])
    assert standing_of(recheck).status == "done"
    assert Verdict.objects.filter(product=product).count() == 2


def test_each_asking_is_another_run(session: Session, search_index: str, sync: SyncRun, shop: Shop) -> None:
    product = _product(sync, shop)
    _check(product, session)
    shop.price = "0"
    Recheck.objects.update(asked_at="2026-01-01T00:00Z")
    second = _check(product, session)
    assert product.status == "rejected"
    assert len(_tasks(second)) == 6
    assert [path for path, _ in shop.asked].count("/1.jpg") == 2


def test_a_page_that_was_lost_and_is_back_brings_its_product_back(
    session: Session, search_index: str, sync: SyncRun, shop: Shop
) -> None:
    lost = {"code": "catalog.page_not_found", "field": "address", "message": "Lost.", "remedy": "Put it back."}
    product = _product(sync, shop, status="dead", reasons=[lost])
    _check(product, session)
    assert status_and_codes(product) == ("live", [])


def test_a_page_that_is_lost_is_said_and_the_product_taken_down(
    session: Session, search_index: str, sync: SyncRun, shop: Shop
) -> None:
    shop.is_there = False
    product = _product(sync, shop)
    recheck = _check(product, session)
    assert status_and_codes(product) == ("dead", ["catalog.page_not_found"])
    assert standing_of(recheck).status == "failed"
    assert standing_of(recheck).error == "The page does not exist (any more)."


@pytest.mark.parametrize("status", ["rejected", "dead"])
def test_a_product_of_a_feed_is_judged_by_what_is_stored(
    session: Session, search_index: str, sync: SyncRun, shop: Shop, status: str
) -> None:
    product = make_product(sync, "Red lamp", external_id="feed:L1", address=f"{shop.address}/p/1", status=status)
    add_picture(product)
    recheck = _check(product, session)
    assert (recheck.how, product.status, shop.asked) == ("stored", "live", [])
    assert _tasks(recheck) == [
        ("recheck-product", "completed"), ("quality-control", "completed"), ("index-product", "completed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("external_id", "address", "answer"),
    [
        ("shop:1", "https://shop.example/p/1", True),
        ("shopify:1", "https://shop.example/products/1", True),
        ("feed:1", "https://shop.example/p/1", False),
        ("whatsapp-graph:1", "https://wa.me/p/1", False),
        ("shop:1", "", False),
        ("of-no-source:1", "https://shop.example/p/1", False),
    ],
)
def test_what_has_a_page_is_known_by_its_source(external_id: str, address: str, answer: bool) -> None:
    assert has_page(Product(external_id=external_id, address=address)) is answer
