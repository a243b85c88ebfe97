"""The products that wait for staff: which, in what order, and whose turn the next one is."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from marketplace.models import Product, Seller
from qc import holds
from qc.models import Appeal, ReviewHold, Verdict
from qc.rules.contract import Severity

# Nobody needs to know how many more there are.
MAX_COUNT = 10_000
MAX_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which of the waiting products are meant; what is left empty does not narrow."""

    code: str = ""
    seller_id: int | None = None


@dataclass(slots=True)
class Group:
    """Products of one seller that wait for just the same reasons."""

    seller_id: int
    codes: tuple[str, ...]
    products: dict[int, datetime] = field(default_factory=dict)  # by id: when each last changed

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.products)


def flagged_products(narrowing: Narrowing = Narrowing()) -> QuerySet[Product]:
    """Find the products that wait for staff, in no order."""
    found = Product.objects.filter(status=Product.Status.FLAGGED).order_by()
    if narrowing.code:
        found = found.filter(reasons__contains=[{"code": narrowing.code}])
    if narrowing.seller_id is not None:
        found = found.filter(seller=narrowing.seller_id)
    return found


def waiting_products(narrowing: Narrowing = Narrowing()) -> QuerySet[Product]:
    """Find the products that wait for staff, in the order to look at them, with their sellers.

    First those whose seller appeals, then premium sellers', and of equals the one that waits longest.
    """
    found = flagged_products(narrowing).select_related("seller")
    latest = Verdict.objects.filter(product=OuterRef("pk")).order_by("-id").values("id")[:1]
    appealed = Exists(Appeal.objects.filter(product=OuterRef("pk"), state=Appeal.State.OPEN))
    return found.annotate(
        turn=Case(
            When(appealed, then=0),
            When(seller__plan=Seller.Plan.PREMIUM, then=1),
            default=2,
            output_field=IntegerField(),
        ),
        verdict_id=Coalesce(Subquery(latest), Value(0)),
    ).order_by("turn", "verdict_id", "pk")


def take_next(
    user: User, *, narrowing: Narrowing = Narrowing(), besides: Collection[int] = (), skipped: Collection[int] = ()
) -> Product | None:
    """Hold the product that the user should look at next; None where none is left for them.

    What the user holds already comes first, so that a page which is loaded again shows the same.

    Args:
        user: who looks.
        narrowing: where to look.
        besides: products that the user's page shows or keeps ready.
        skipped: products that the user does not want now.
    """
    passed = {*besides, *skipped}
    found = waiting_products(narrowing).exclude(pk__in=passed)
    held = holds.held_by(user).exclude(product__in=passed).values_list("product_id", flat=True)
    for product_id in list(held):
        product = found.filter(pk=product_id).first()
        if product is not None and not holds.renew([product_id], user=user):
            return product
    return holds.take_one(found, user=user)


def waiting_count(narrowing: Narrowing = Narrowing()) -> int:
    """Count what waits, up to MAX_COUNT."""
    return flagged_products(narrowing)[:MAX_COUNT].count()


def codes_of(product: Product) -> tuple[str, ...]:
    """Return the codes that keep a product from buyers, in the order of the alphabet."""
    return codes_in(product.reasons)


def codes_in(reasons: Collection[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the codes among reasons that keep a product from buyers, in the order of the alphabet."""
    return tuple(sorted({it["code"] for it in reasons if it.get("severity") != Severity.ADVISE}))


def waiting_groups(user: User, narrowing: Narrowing = Narrowing()) -> list[Group]:
    """Group what waits by seller and reasons, the largest groups first; what somebody else holds is left out.

    Products of which something else is found too are in no common group: nobody has looked at that.
    """
    held = ReviewHold.objects.filter(until__gt=timezone.now()).exclude(user=user)
    rows = flagged_products(narrowing).exclude(pk__in=held.values("product")).order_by("pk")
    groups: dict[tuple[int, tuple[str, ...]], Group] = {}
    for pk, seller_id, reasons, updated_at in rows.values_list("pk", "seller_id", "reasons", "updated_at")[:MAX_COUNT]:
        key = seller_id, codes_in(reasons)
        groups.setdefault(key, Group(*key)).products[pk] = updated_at
    found = [it for it in groups.values() if it.count > 1 and it.codes]
    return sorted(found, key=lambda it: (-it.count, it.seller_id, it.codes))[:MAX_GROUPS]


def group_of(seller_id: int, codes: Collection[str], *, user: User) -> Group:
    """Return one group as it is now for the user; it may be empty."""
    wanted = tuple(sorted(codes))
    code = wanted[0] if wanted else ""
    for group in waiting_groups(user, Narrowing(code=code, seller_id=seller_id)):
        if group.codes == wanted:
            return group
    return Group(seller_id, wanted)


def reason_counts() -> dict[str, int]:
    """Count the waiting products by code, the commonest first."""
    counts: dict[str, int] = defaultdict(int)
    rows = flagged_products()
    for reasons in rows.values_list("reasons", flat=True)[:MAX_COUNT]:
        for code in codes_in(reasons):
            counts[code] += 1
    return dict(sorted(counts.items(), key=lambda it: (-it[1], it[0])))


def seller_counts() -> dict[int, tuple[str, int]]:
    """Count the waiting products by seller, with the sellers' names, the most first."""
    counts: dict[int, int] = defaultdict(int)
    rows = flagged_products()
    for seller_id in rows.values_list("seller_id", flat=True)[:MAX_COUNT]:
        counts[seller_id] += 1
    names = dict(Seller.objects.filter(pk__in=counts).values_list("pk", "name"))
    ordered = sorted(counts.items(), key=lambda it: (-it[1], it[0]))[:100]
    return {pk: (names[pk], count) for pk, count in ordered if pk in names}
