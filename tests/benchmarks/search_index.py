"""The catalog put into PostgreSQL and the index by the product's own code; also a process that keeps on indexing.

`python -m tests.benchmarks.search_index FIRST COUNT` is that process: it changes products and indexes them, batch after
batch, until its standard input is closed, and says then how many it has written.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

if __name__ == "__main__":
    import django

    django.setup()

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Left

from catalog.embedders.current import current_embedder, current_picture_embedder
from catalog.indexes.flushing import EVERY_S, make_fast
from catalog.indexes.versions import WINDOW_S
from catalog.indexing import Purpose, mark_live, write_products
from catalog.ranking.vocabulary import refresh_vocabulary
from marketplace.models import Category, Product, ProductCategory, Seller
from marketplace.stack.rendezvous import running_stack
from qc.models import Verdict
from tests.benchmarks.cpu import rss_mib
from tests.benchmarks.search_catalog import SELLERS, Entry, entries

BATCH = 256  # as the task index-product has it
VACUUM = ("marketplace_product", "marketplace_productcategory", "catalog_searchdocument")


@dataclass(frozen=True, slots=True)
class Indexed:
    """What it took to index products that are in PostgreSQL already."""

    seconds: float
    milvus_mib: float | None


def fill(first: int, count: int) -> Indexed:
    """Make the products of these numbers and index them, flush, warm up, and count their words, as production does."""
    ids = _store(list(entries(first, count)))
    started = time.perf_counter()
    for batch in batches(ids):
        shown = write_products(batch, purpose=Purpose.SHOW, embedder=current_embedder()).shown
        with transaction.atomic():
            mark_live(shown)
    flush()
    seconds = time.perf_counter() - started
    refresh_vocabulary()
    with connection.cursor() as cursor:
        for table in VACUUM:
            cursor.execute(f"VACUUM ANALYZE {table}")
    cache.clear()
    return Indexed(seconds=seconds, milvus_mib=milvus_mib())


def flush() -> None:
    """Make what was written fast to search."""
    make_fast(current_embedder().fingerprint, current_picture_embedder().fingerprint)


def let_version_settle() -> None:
    """Wait until the changes made so far have had their effect on the index's version: then what is kept holds."""
    began = time.time() // WINDOW_S
    while time.time() // WINDOW_S == began:
        time.sleep(0.1)


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut ids into what one job takes."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def sellers() -> list[Seller]:
    """Return the sellers by their number, made where they are missing."""
    found = list(Seller.objects.order_by("pk"))
    made = [Seller.objects.create(name=f"Seller {n}", catalog_address="") for n in range(len(found), SELLERS)]
    return [*found, *made]


def milvus_mib() -> float | None:
    """Return the memory of the stack's Milvus; None where MILVUS_URI names one that runs elsewhere."""
    state = running_stack(settings.VAR_DIR) or {"processes": {}}
    return rss_mib(state["processes"]["milvus"]["pid"]) if "milvus" in state["processes"] else None


def _store(made: Sequence[Entry]) -> list[int]:
    """Write products that have been approved and are about to be shown."""
    by_number = sellers()
    products = Product.objects.bulk_create(
        [
            Product(
                seller=by_number[entry.seller],
                external_id=f"feed:{entry.number}",
                title=entry.title,
                description=entry.description,
                brand=entry.brand,
                sku=entry.sku,
                price=entry.price,
                currency="EUR",
                availability=entry.availability,
                content_hash=f"{entry.number:064x}",
            )
            for entry in made
        ],
        batch_size=1_000,
    )
    categories = {(it.seller_id, it.path): it.pk for it in Category.objects.all()}
    for product, entry in zip(products, made, strict=True):
        key = (product.seller_id, entry.category)
        if key not in categories:
            name = entry.category.rpartition(" > ")[2]
            categories[key] = Category.objects.create(seller_id=key[0], path=entry.category, name=name).pk
    ProductCategory.objects.bulk_create(
        [
            ProductCategory(product=product, category_id=categories[product.seller_id, entry.category])
            for product, entry in zip(products, made, strict=True)
        ],
        batch_size=5_000,
    )
    verdicts = [Verdict(product=it, decision="approved", rule_version="1", input_hash="x") for it in products]
    Verdict.objects.bulk_create(verdicts, batch_size=5_000)
    return [product.pk for product in products]


@dataclass(slots=True)
class Writer:
    """The process that keeps on indexing; its figures are there when it has ended."""

    seconds: float = 0.0
    products: int = 0


@contextmanager
def writing() -> Iterator[Writer]:
    """Let another process index changed products, one batch after the other, while this goes on."""
    writer = Writer()
    command = [sys.executable, "-m", "tests.benchmarks.search_index"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        started = time.perf_counter()
        try:
            yield writer
        finally:
            writer.seconds = time.perf_counter() - started
            process.stdin.close()
            writer.products = int(process.stdout.readline() or 0)
    if process.returncode:
        raise RuntimeError(f"the process that indexes ended with status {process.returncode}")


def _keep_writing() -> None:
    ids = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    written, flushed_at, is_first = 0, time.monotonic(), True
    while True:
        for batch in batches(ids):
            new_edition = Concat(Left(F("description"), 400), Value(f" edition {written}"))
            Product.objects.filter(pk__in=batch).update(description=new_edition)
            written += write_products(batch, purpose=Purpose.SHOW, embedder=current_embedder()).changed
            if time.monotonic() - flushed_at > EVERY_S:  # as the job that writers ask for would do
                flush()
                flushed_at = time.monotonic()
            if is_first:
                print("writing", flush=True)
                is_first = False
            if select.select([sys.stdin], [], [], 0)[0]:
                flush()
                print(written, flush=True)
                return


if __name__ == "__main__":
    _keep_writing()
