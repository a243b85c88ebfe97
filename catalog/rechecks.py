"""Rechecks: products whose standing changed because of another product, or because their page is lost."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from catalog.occasions import occasion_of
from jobs.batch import ClaimedJob, GivenUp, NewJob
from jobs.ledger import enqueue_many
from marketplace.models import Product

# What a page answers when it is lost, not merely away: then a product that buyers see is taken down at once.
LOST = frozenset({"catalog.page_not_found", "catalog.page_malformed"})


def recheck_copies(changed: Mapping[int, int | None], *, jobs: Mapping[int, ClaimedJob]) -> None:
    """Enqueue quality control for products that became, or ceased to be, a copy after they had passed it.

    A product without a vector has not come to quality control yet, and needs no second one.

    Args:
        changed: what each product copies now.
        jobs: by seller, a job to take the priority and the group from.
    """
    passed = Product.objects.filter(pk__in=list(changed)).exclude(embedding_fingerprint="").order_by("pk")
    enqueue_many(
        [
            NewJob(
                "quality-control",
                {"sync": job.payload["sync"], "product": product.pk},
                tenant=job.tenant,
                priority=job.priority,
                key=f"{occasion_of({**job.payload, 'product': product.pk})}:copy-of-{changed[product.pk] or 'none'}",
                group=job.group,
                meta=job.meta,
            )
            for product in passed.only("pk", "seller_id")
            if (job := jobs.get(product.seller_id)) is not None
        ]
    )


def lose_products(given_up: Sequence[GivenUp], *, remedies: Mapping[str, str]) -> None:
    """Set products dead whose page is lost, and take those off the index that buyers could see."""
    reasons = {
        job.payload["product"]: {
            "code": job.error_code,
            "field": "address",
            "message": job.error_message,
            "remedy": remedies[job.error_code],
        }
        for job in given_up
    }
    by_product = {job.payload["product"]: job for job in given_up}
    rows = Product.objects.filter(pk__in=reasons).exclude(status=Product.Status.GONE).order_by("pk")
    products = list(rows.select_for_update().only("pk", "status", "indexed_at"))
    now = timezone.now()
    hidden = [product.pk for product in products if product.indexed_at is not None]
    for product in products:
        product.status = Product.Status.DEAD
        product.reasons = [reasons[product.pk]]
        product.updated_at = now
    Product.objects.bulk_update(products, ["status", "reasons", "updated_at"])
    enqueue_many([_hiding(by_product[pk], pk) for pk in hidden])


def _hiding(job: GivenUp, product_id: int) -> NewJob:
    sync = job.payload["sync"]
    return NewJob(
        "index-product",
        {"sync": sync, "product": product_id},
        tenant=job.tenant,
        key=f"{occasion_of(job.payload)}:lost",
        group=job.group,
    )
