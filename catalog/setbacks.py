"""Products whose jobs were given up: what their sellers are told."""

from collections.abc import Collection, Sequence

from django.utils import timezone

from catalog.rechecks import LOST
from jobs.batch import GivenUp
from marketplace.models import Product
from marketplace.notifications.telling import Kind, subject_of, tell


def bury_products(given_up: Sequence[GivenUp], *, field: str, remedy: str) -> None:
    """Set products dead that were on their way to buyers, and tell their sellers.

    Those that are live stay as buyers know them.
    """
    reasons = {
        job.payload["product"]: {"code": job.error_code, "field": field, "message": job.error_message, "remedy": remedy}
        for job in given_up
    }
    locked = Product.objects.filter(pk__in=reasons, status=Product.Status.PENDING).order_by("pk").select_for_update()
    products = list(locked.only("pk", "seller_id", "title", "external_id"))
    now = timezone.now()
    for product in products:
        product.status = Product.Status.DEAD
        product.reasons = [reasons[product.pk]]
        product.updated_at = now
    Product.objects.bulk_update(products, ["status", "reasons", "updated_at"])
    for seller_id in sorted({product.seller_id for product in products}):
        subjects = [subject_of(product) for product in products if product.seller_id == seller_id]
        tell(Kind.WORK_GAVE_UP, seller_id=seller_id, subjects=subjects)


def is_on_its_way(product: Product) -> bool:
    """Tell whether stages may carry the product on: it is pending, or died of anything but the loss of its page.

    The latter is how a job that staff tries again from the dead-letter queue brings its product back.
    """
    if product.status != Product.Status.DEAD:
        return product.status == Product.Status.PENDING
    return not any(reason["code"] in LOST for reason in product.reasons)


def revive_products(product_ids: Collection[int]) -> None:
    """Set those of the products pending again that died of a setback which is now overcome."""
    dead = Product.objects.filter(pk__in=product_ids, status=Product.Status.DEAD).order_by("pk").select_for_update()
    revived = [product.pk for product in dead.only("pk", "status", "reasons") if is_on_its_way(product)]
    if revived:
        now = timezone.now()
        Product.objects.filter(pk__in=revived).update(status=Product.Status.PENDING, reasons=[], updated_at=now)
