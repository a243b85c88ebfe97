"""Judging a group at once: products of one seller that wait for just the same reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction

from jobs import audit
from marketplace.models import Product
from qc.facts import facts_of
from qc.holds import others_hold
from qc.models import Verdict
from qc.review import Ruling, lock_products, rule
from qc.waiting import Group, codes_of

BATCH = 100
# So many at a time, for one request; the page then shows what is left.
MAX_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a group: how many were decided, and how many had changed, or are looked at by somebody else."""

    decided: int
    left: int


def seal(group: Group) -> str:
    """Return a digest of which products the group has, each as it is now: what was confirmed is what is decided."""
    told = ";".join(f"{pk}:{updated_at.timestamp()}" for pk, updated_at in first_of(group).items())
    return sha256(told.encode()).hexdigest()


def first_of(group: Group) -> dict[int, datetime]:
    """Return the products that one decision takes."""
    return dict(list(group.products.items())[:MAX_AT_ONCE])


def decide_group(group: Group, ruling: Ruling, *, reason: str) -> Done:
    """Judge the group's products, batch by batch, each batch with its own entry in the audit log.

    A product that changed since the group was read, or that somebody else looks at, is left alone.

    Args:
        group: as it was confirmed.
        ruling: what is decided.
        reason: why, for the audit log.

    Raises:
        ReasonMissing: a rejection, or the audit log, lacks its reason.
    """
    decided = 0
    seen = first_of(group)
    for some in _batches(seen):
        decided += _decide_batch(some, group, ruling, reason)
    return Done(decided, len(seen) - decided)


def _batches(seen: Mapping[int, datetime]) -> Iterator[dict[int, datetime]]:
    items = list(seen.items())
    for start in range(0, len(items), BATCH):
        yield dict(items[start : start + BATCH])


def _decide_batch(seen: Mapping[int, datetime], group: Group, ruling: Ruling, reason: str) -> int:
    with transaction.atomic():
        locked = lock_products(seen)
        held = others_hold([it.pk for it in locked], user=ruling.actor)
        products = [it for it in locked if _is_as_seen(it, seen[it.pk], group) and it.pk not in held]
        if products:
            rule(products, facts_of(products), ruling)
            audit.record(
                actor=ruling.actor.get_username(),
                action="approve products" if ruling.decision == Verdict.Decision.APPROVED else "reject products",
                subject=f"{len(products)} products of seller {group.seller_id}",
                reason=reason,
                matching={
                    "seller": group.seller_id,
                    "codes": list(group.codes),
                    "products": [it.pk for it in products],
                },
                count=len(products),
            )
    return len(products)


def _is_as_seen(product: Product, updated_at: datetime, group: Group) -> bool:
    is_waiting = product.status == Product.Status.FLAGGED
    return is_waiting and product.updated_at == updated_at and codes_of(product) == group.codes
