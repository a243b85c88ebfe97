"""Products whose jobs were given up: what their sellers are told."""

from collections.abc import Sequence

from django.utils import timezone

from jobs.batch import GivenUp
from marketplace.models import Product


def bury_products(given_up: Sequence[GivenUp], *, field: str, remedy: str) -> None:
    """Set products dead that were on their way to buyers; those that are live stay as buyers know them."""
    reasons = {
        job.payload["product"]: {
            "code": job.error_code,
            "field": field,
            "message": job.error_message,
            "remedy": remedy,
        }
        for job in given_up
    }
    locked = Product.objects.filter(pk__in=reasons, status=Product.Status.PENDING).order_by("pk").select_for_update()
    products = list(locked.only("pk"))
    now = timezone.now()
    for product in products:
        product.status = Product.Status.DEAD
        product.reasons = [reasons[product.pk]]
        product.updated_at = now
    Product.objects.bulk_update(products, ["status", "reasons", "updated_at"])
