"""The parts of the quality-control benchmark that need no reviewer: rules, facts and verdicts, measures of pictures.

Times are processor time of this process, the least of the rounds: other work on the machine changes it least.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from catalog.embedders.speed import drawn_jpeg
from catalog.picture_measures import measure
from catalog.pictures import THUMBNAIL_SIDE_PX, decode_picture, render_picture
from marketplace.demo.sample_catalog.products import SampleProduct, make_edition
from marketplace.models import Category, Picture, Product, ProductCategory, Seller
from qc.facts import facts_of
from qc.rules.contract import PictureFacts, ProductFacts
from qc.rules.languages import language_of
from qc.verdicts import judge, judge_products, record_judgements
from tests.benchmarks.cpu import cpu_s_of_services

BATCH = 64  # as the task quality-control has it
SEED = 7
DESCRIPTION_CHARS = 400


@dataclass(frozen=True, slots=True)
class StageCosts:
    """Processor time of quality control's stage, in milliseconds a product, without the job engine.

    Judging gathers the facts, which are told by themselves too, measures what is kept, and asks the rules.
    """

    facts_ms: float
    judge_ms: float
    record_ms: float
    postgres_ms: float


def listings(count: int) -> list[SampleProduct]:
    """Return products as the sample catalog has them, without defects, with descriptions of the usual length."""
    made = make_edition(count=count + count // 2, seed=SEED, number=1).products
    return [it for it in made if it.defect is None][:count]


def long_description(products: Sequence[SampleProduct], place: int) -> str:
    """Return a product's description with those of the next ones, up to the usual length."""
    text = ""
    while len(text) < DESCRIPTION_CHARS:
        text += products[place % len(products)].description + " "
        place += 1
    return text.rstrip()


def rules_per_s(products: Sequence[SampleProduct], *, rounds: int) -> float:
    """Return how many listings a second one core judges, facts given."""
    facts = [
        ProductFacts(
            title=it.title,
            description=long_description(products, place),
            price=it.price,
            currency="EUR",
            brand=it.brand,
            sku=it.sku,
            category_path=it.kind,
            shop_language="en",
            pictures=(PictureFacts(width_px=1000, height_px=1000, sharpness=0.6, contrast=80.0, frame_share=0.0),),
        )
        for place, it in enumerate(products)
    ]
    return len(facts) / _least_s(lambda: [judge(it) for it in facts], rounds=rounds)


def stage_costs(products: Sequence[SampleProduct]) -> StageCosts:
    """Store products, judge and record them by batches as the task does, and return what that cost."""
    ids = _store(products)
    language_of(long_description(products, 0))  # loads its model, once a process
    used = dict.fromkeys(("facts", "judge", "record"), 0.0)
    before = _postgres_s()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        began = time.process_time()
        judgements = judge_products(some)
        judged = time.process_time()
        with transaction.atomic():
            record_judgements(judgements)
        recorded = time.process_time()
        used["judge"] += judged - began
        used["record"] += recorded - judged
    postgres_s = _postgres_s() - before
    for start in range(0, len(ids), BATCH):
        began = time.process_time()
        facts_of(Product.objects.filter(pk__in=ids[start : start + BATCH]).select_related("seller"))
        used["facts"] += time.process_time() - began
    return StageCosts(*(round(1000 * it / len(ids), 3) for it in (*used.values(), postgres_s)))


def picture_costs(count: int, *, rounds: int) -> dict[str, float]:
    """Return what reading a picture costs, and what measuring it adds, in milliseconds a picture."""
    files = [drawn_jpeg(seed, side_px=1000) for seed in range(count)]
    small = [decode_picture(it, side_px=THUMBNAIL_SIDE_PX) for it in files]
    for it in small:
        it.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
    greys = [it.convert("L") for it in small]
    read_s = _least_s(lambda: [render_picture(it) for it in files], rounds=rounds)
    measure_s = _least_s(lambda: [measure(*it) for it in zip(small, greys, strict=True)], rounds=rounds)
    return {"read_ms": round(1000 * read_s / count, 3), "measure_ms": round(1000 * measure_s / count, 3)}


def _least_s(work: Callable[[], object], *, rounds: int) -> float:
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def _postgres_s() -> float:
    return cpu_s_of_services().get("postgres", 0.0)


def _store(products: Sequence[SampleProduct]) -> list[int]:
    seller = Seller.objects.create(name="Bench")
    kinds = sorted({it.kind for it in products})
    categories = {it: Category.objects.create(seller=seller, name=it, path=it) for it in kinds}
    rows = Product.objects.bulk_create(
        Product(
            seller=seller,
            external_id=f"bench:{it.id}",
            title=it.title,
            description=long_description(products, place),
            price=Decimal(it.price),
            currency="EUR",
            brand=it.brand,
            sku=it.sku,
        )
        for place, it in enumerate(products)
    )
    ProductCategory.objects.bulk_create(
        ProductCategory(product=row, category=categories[it.kind]) for row, it in zip(rows, products, strict=True)
    )
    Picture.objects.bulk_create(
        Picture(
            product=row,
            status=Picture.Status.READY,
            sha256=f"{row.pk:064x}",
            perceptual_hash=f"{row.pk * 0x9E3779B97F4A7C15 % 2**64:016x}",
            width_px=1000,
            height_px=1000,
            sharpness=0.6,
            contrast=80.0,
            frame_share=0.0,
            is_animated=False,
            average_colour=f"{row.pk * 7919 % 2**24:06x}",
        )
        for row in rows
    )
    return [row.pk for row in rows]
