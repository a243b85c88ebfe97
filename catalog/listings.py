"""What the lists of a catalog leave in the database: categories, products, and which product is in which."""

from collections.abc import Iterable, Sequence

from django.db import connection
from django.utils import timezone

from catalog.discovery import gate_of, rate_of
from catalog.sources.source import ListedProduct
from jobs.batch import ClaimedJob, NewJob
from jobs.gates import set_gate
from jobs.ledger import enqueue_many
from marketplace.models import Category, Product, ProductCategory, SyncRun

BATCH = 500
# A product that was lost, and is listed again, goes through all stages once more.
RETURNING = (Product.Status.GONE, Product.Status.DEAD)


def record_listing(job: ClaimedJob, products: Sequence[ListedProduct], *, category: str | None) -> int:
    """Store what a list showed, and enqueue the reading of each product that this sync had not seen before.

    Runs in the caller's transaction; returns how many products were new to the sync. Two lists of one seller
    are recorded one after the other, so that ids follow the order listed and each product is enqueued once.
    """
    sync = SyncRun.objects.only("pk", "seller_id").get(pk=job.payload["sync"])
    _lock_seller(sync.seller_id)
    rows = _store_products(sync, products)
    fresh = [row for row in rows if row.last_sync_id != sync.pk]
    _mark_seen(fresh, sync)
    if category is not None:
        _store_category(sync.seller_id, category, job.payload["address"], rows)
    open_gates(row.address for row in fresh)
    enqueue_many([_reading(job, row) for row in fresh])
    return len(fresh)


def open_gates(addresses: Iterable[str]) -> None:
    """Set the pace of each address's host."""
    for gate, address in {gate_of(address): address for address in addresses}.items():
        rate_per_s = rate_of(address)
        set_gate(gate, rate_per_s=rate_per_s, burst=max(1.0, rate_per_s))


def _lock_seller(seller_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('catalog.listings'), %s)", [seller_id])


def _store_products(sync: SyncRun, listed: Sequence[ListedProduct]) -> list[Product]:
    """Return the rows of the products, in the order listed; those that are new are created."""
    wanted = {product.external_id: product for product in listed}
    known = {row.external_id: row for row in _rows_of(sync.seller_id, list(wanted))}
    created = Product.objects.bulk_create(
        [
            Product(seller_id=sync.seller_id, external_id=product.external_id, address=product.address)
            for product in wanted.values()
            if product.external_id not in known
        ],
        batch_size=BATCH,
    )
    moved = [row for row in known.values() if row.address != wanted[row.external_id].address]
    for row in moved:
        row.address = wanted[row.external_id].address
    Product.objects.bulk_update(moved, ["address"], batch_size=BATCH)
    known |= {row.external_id: row for row in created}
    return [known[external_id] for external_id in wanted]


def _rows_of(seller_id: int, external_ids: Sequence[str]) -> Iterable[Product]:
    return Product.objects.filter(seller_id=seller_id, external_id__in=external_ids).only(
        "pk", "external_id", "address", "status", "last_sync_id"
    )


def _mark_seen(rows: Sequence[Product], sync: SyncRun) -> None:
    now = timezone.now()
    ids = [row.pk for row in rows]
    Product.objects.filter(pk__in=ids).update(last_seen_at=now, last_sync=sync)
    Product.objects.filter(pk__in=ids, status__in=RETURNING).update(
        status=Product.Status.PENDING, reasons=[], updated_at=now
    )


def _store_category(seller_id: int, name: str, address: str, rows: Sequence[Product]) -> None:
    """Make the category hold exactly these products."""
    (category,) = Category.objects.bulk_create(
        [Category(seller_id=seller_id, name=name, path=name, address=address)],
        update_conflicts=True,
        unique_fields=["seller", "path"],
        update_fields=["name", "address"],
    )
    links = ProductCategory.objects.filter(category=category)
    links.exclude(product__in=[row.pk for row in rows]).delete()
    ProductCategory.objects.bulk_create(
        [ProductCategory(product=row, category=category) for row in rows], ignore_conflicts=True, batch_size=BATCH
    )


def _reading(job: ClaimedJob, row: Product) -> NewJob:
    sync = job.payload["sync"]
    return NewJob(
        "scrape-product",
        {"sync": sync, "product": row.pk},
        tenant=job.tenant,
        priority=job.priority,
        key=f"{sync}:{row.pk}",
        group=job.group,
        gates=[gate_of(row.address)],
        meta=job.meta,
    )
