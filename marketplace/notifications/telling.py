"""Tell sellers: an entry of the outbox and the job that makes a notification of it, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from jobs.batch import NewJob
from jobs.ledger import enqueue
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import OutboxEntry

if TYPE_CHECKING:
    from marketplace.models import Product

__all__ = ["Kind", "subject_of", "tell"]

# What happens of one kind within this time is one message.
GROUPED_WITHIN_S = 60.0
MAX_TEXT = 300
# What a subject is known by, whichever of them it has: told of twice, it counts once, as it was last.
IDENTIFIED_BY = ("product", "photo_set", "endpoint")


def tell(
    kind: Kind, *, seller_id: int, subjects: Sequence[Mapping[str, Any]] = (), facts: Mapping[str, Any] | None = None
) -> None:
    """Promise that the seller is told; call it in the transaction that makes it true.

    What is told of one kind within a minute, and of some kinds while a sync of the seller runs, becomes one message.

    Args:
        kind: what happened.
        seller_id: who is told.
        subjects: what it is about, one each: `{"product": 5, "title": "Red lamp", "reason": "price.missing",
            "message": "…", "remedy": "…"}`. An empty sequence: the seller's account itself.
        facts: figures and texts that the kind's wording uses, such as `{"sync": 7, "live": 1184}`.
    """
    with transaction.atomic(savepoint=False):
        entry = OutboxEntry.objects.create(
            seller_id=seller_id, kind=kind, subjects=[dict(subject) for subject in subjects], facts=dict(facts or {})
        )
        enqueue(
            NewJob(
                "notify-seller",
                {"entry": entry.pk},
                tenant=str(seller_id),
                delay_s=GROUPED_WITHIN_S,
                group="",
            )
        )


def subject_of(product: "Product") -> dict[str, Any]:
    """Return a product as what is told is about, with the first of its reasons, which is the gravest."""
    reason = product.reasons[0] if product.reasons else {}
    return {
        "product": product.pk,
        "title": (product.title or product.external_id)[:MAX_TEXT],
        "reason": reason.get("code", ""),
        "message": reason.get("message", "")[:MAX_TEXT],
        "remedy": reason.get("remedy", "")[:MAX_TEXT],
    }
