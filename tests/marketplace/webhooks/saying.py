"""What sellers are told, so that webhooks have something to send."""

from datetime import timedelta

from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.telling import tell
from tests.marketplace.queues import run_after

QUEUE = "deliver-webhook"


def say(seller: Seller, kind: Kind = Kind.PRODUCTS_REJECTED, *, subjects: int = 1) -> None:
    """Tell the seller, and let the message be made."""
    lamps = [{"product": it, "title": f"Lampe {it} für Öl", "reason": "price.missing"} for it in range(subjects)]
    tell(kind, seller_id=seller.pk, subjects=lamps)
    run_after("notify-seller", timedelta(minutes=1))
