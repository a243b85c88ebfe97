"""Products that wait for the reviewer, not for staff: they come to it again by themselves."""

from datetime import datetime

from django.db.models import Q, QuerySet

from jobs.batch import NewJob
from jobs.models import Priority
from marketplace.gemini.generating import is_budget_used
from marketplace.models import Product
from qc.reviewer.absence import absence
from qc.reviewer.review import WAITING, is_on

MOST = 5_000  # a run


def unreviewed_products() -> QuerySet[Product]:
    """Return the products that are flagged because the reviewer could not be asked."""
    is_waiting = Q()
    for code in WAITING:
        is_waiting |= Q(reasons__contains=[{"code": code}])
    return Product.objects.filter(is_waiting, status=Product.Status.FLAGGED)


def jobs_to_review_again(*, now: datetime) -> list[NewJob]:
    """Return jobs that judge such products anew, each once an hour; none while the reviewer cannot be asked."""
    if is_on() and (absence() is not None or is_budget_used()):
        return []
    rows = unreviewed_products().order_by("updated_at", "pk").values_list("pk", "seller_id", "last_sync_id")
    return [
        NewJob(
            "quality-control",
            {"sync": sync_id, "product": pk},
            tenant=str(seller_id),
            priority=Priority.LOW,
            key=f"again:{now:%Y-%m-%dT%H}:{pk}",
        )
        for pk, seller_id, sync_id in rows[:MOST]
    ]
