"""Holds: while one member of staff looks at a product, nobody else judges it.

A hold is taken, and looked at once more before a decision, under the lock of its product's row: of two who meet there
one decides. Keeping and giving up touch one's own holds alone, without that lock; whose hold another one took in the
moment it ran out is told when deciding. A hold that ran out counts for nothing; its row is the next one's to take.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from marketplace.models import Product
from qc.models import ReviewHold

# A page renews its holds while somebody works on it; who goes away gives the product back after this.
HOLD = timedelta(minutes=5)


class CannotDecide(Exception):
    """The decision was not made; the message says why."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class NotHeld(CannotDecide):
    """Your hold on this product ran out before you decided. Look at it again: it may have changed."""


class HeldByAnother(CannotDecide):
    """Somebody else is looking at the product; the message says who, and until when."""

    def __init__(self, hold: ReviewHold) -> None:
        until = timezone.localtime(hold.until)
        super().__init__(f"{hold.user.get_username()} is looking at this product, until {until:%H:%M} at the latest.")
        self.hold = hold


def take_one(waiting: QuerySet[Product], *, user: User, now: datetime | None = None) -> Product | None:
    """Hold the first of the products that nobody else holds; None where there is none.

    Products whose row another transaction has locked are passed over. Two who ask at once never get the same one.

    Args:
        waiting: where to look, in the order to look.
        user: who takes it.
        now: the time.
    """
    now = now or timezone.now()
    while True:
        others = ReviewHold.objects.filter(until__gt=now).exclude(user=user)
        with transaction.atomic():
            free = waiting.exclude(pk__in=others.values("product"))
            product = free.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
            if product is None:
                return None
            # The row was looked for before it was locked: a hold that was taken in between is seen only now.
            if not others.filter(product=product).exists():
                _write(product.pk, user=user, now=now)
                return product


def take(product_id: int, *, user: User, now: datetime | None = None) -> None:
    """Hold this product.

    Raises:
        HeldByAnother: somebody else does.
        Product.DoesNotExist: there is no such product.
    """
    now = now or timezone.now()
    with transaction.atomic():
        product = Product.objects.select_for_update(no_key=True).only("pk").get(pk=product_id)
        refuse_others(product.pk, user=user, now=now)
        _write(product.pk, user=user, now=now)


def renew(product_ids: Collection[int], *, user: User, now: datetime | None = None) -> set[int]:
    """Hold these products for as long again; return those that the user does not hold any more.

    A hold that ran out is not renewed: somebody else may have looked at the product since.
    """
    now = now or timezone.now()
    with transaction.atomic():
        mine = ReviewHold.objects.filter(product__in=product_ids, user=user, until__gt=now)
        kept = set(mine.order_by("product_id").select_for_update().values_list("product_id", flat=True))
        ReviewHold.objects.filter(product__in=kept).update(until=now + HOLD)
    return set(product_ids) - kept


def release(product_ids: Collection[int], *, user: User) -> None:
    """Give up the user's holds on these products."""
    ReviewHold.objects.filter(product__in=product_ids, user=user).delete()


def held_by(user: User, *, now: datetime | None = None) -> QuerySet[ReviewHold]:
    """Find what the user holds, the earliest first."""
    return ReviewHold.objects.filter(user=user, until__gt=now or timezone.now())


def refuse_others(product_id: int, *, user: User, now: datetime | None = None) -> None:
    """Raise HeldByAnother where somebody else holds the product, whose row the caller has locked."""
    others = ReviewHold.objects.filter(product=product_id, until__gt=now or timezone.now()).exclude(user=user)
    hold = others.select_related("user").first()
    if hold is not None:
        raise HeldByAnother(hold)


def others_hold(product_ids: Collection[int], *, user: User, now: datetime | None = None) -> set[int]:
    """Return those of the products that somebody else holds."""
    others = ReviewHold.objects.filter(product__in=product_ids, until__gt=now or timezone.now()).exclude(user=user)
    return set(others.values_list("product_id", flat=True))


def insist_on_hold(product_id: int, *, user: User, now: datetime | None = None) -> None:
    """Raise NotHeld, or HeldByAnother, unless the user holds the product, whose row the caller has locked."""
    now = now or timezone.now()
    refuse_others(product_id, user=user, now=now)
    if not held_by(user, now=now).filter(product=product_id).exists():
        raise NotHeld


def _write(product_id: int, *, user: User, now: datetime) -> None:
    values = {"user": user, "taken_at": now, "until": now + HOLD}
    ReviewHold.objects.update_or_create(product_id=product_id, defaults=values)
