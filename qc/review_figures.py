"""Figures of the review: what waits, who decided what today, and which rules staff overturns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from marketplace.models import Product
from qc.models import ReviewHold, Verdict
from qc.waiting import codes_in, flagged_products

LOOKED_BACK = timedelta(days=30)
MAX_LOOKED_BACK = 10_000


@dataclass(frozen=True, slots=True)
class Overturned:
    """How staff decided on products against which a rule had something."""

    code: str
    looked_at: int
    overturned: int

    @property
    def share_pct(self) -> int:
        """How many of a hundred staff approved all the same."""
        return round(100 * self.overturned / self.looked_at)


def decisions_of_staff(*, since: datetime) -> QuerySet[Verdict]:
    """Find the verdicts of staff that were not taken back."""
    return Verdict.objects.filter(is_automatic=False, made_at__gte=since, undoes=None, undone_by=None)


def start_of_day() -> datetime:
    """Return when today began."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def decided_today(user: User) -> int:
    """Count what the user decided today."""
    return decisions_of_staff(since=start_of_day()).filter(made_by=user).count()


def decided_today_by() -> list[tuple[str, int]]:
    """Count today's decisions by who made them, the most first."""
    rows = decisions_of_staff(since=start_of_day()).order_by().values_list("made_by__username")
    return [(name or "somebody who left", count) for name, count in rows.annotate(n=Count("pk")).order_by("-n")]


def last_decision(user: User) -> Verdict | None:
    """Return the latest verdict that the user could take back, of today."""
    found = decisions_of_staff(since=start_of_day()).filter(made_by=user).select_related("product")
    for verdict in found[:5]:
        if not Verdict.objects.filter(product=verdict.product_id, pk__gt=verdict.pk).exists():
            return verdict
    return None


def waiting_since() -> datetime | None:
    """Return since when the oldest waiting product waits: the time of its verdict, or of its last change."""
    verdicts = Verdict.objects.filter(product__status=Product.Status.FLAGGED).order_by()
    latest = verdicts.values("product").annotate(latest=Max("pk")).values("latest")
    judged = Verdict.objects.filter(pk__in=latest).aggregate(since=Min("made_at"))["since"]
    unjudged = flagged_products().filter(verdicts=None).aggregate(since=Min("updated_at"))["since"]
    return min((it for it in (judged, unjudged) if it), default=None)


def held_now() -> list[tuple[str, int]]:
    """Count the products that members of staff hold, by name."""
    rows = ReviewHold.objects.filter(until__gt=timezone.now(), product__status=Product.Status.FLAGGED)
    return list(rows.order_by().values_list("user__username").annotate(n=Count("pk")).order_by("user__username"))


def overturned_by_code() -> Sequence[Overturned]:
    """Tell for each code how often staff approved a product against which it spoke, in the last 30 days.

    Many show a rule that is wrong, or too strict. Advice keeps nothing from buyers, and is not counted.
    """
    since = timezone.now() - LOOKED_BACK
    rows = decisions_of_staff(since=since).filter(overrides__isnull=False).exclude(overrides__decision="approved")
    looked_at: Counter[str] = Counter()
    approved: Counter[str] = Counter()
    for decision, reasons in rows.values_list("decision", "overrides__reasons")[:MAX_LOOKED_BACK]:
        codes = codes_in(reasons)
        looked_at.update(codes)
        if decision == Verdict.Decision.APPROVED:
            approved.update(codes)
    found = [Overturned(code, count, approved[code]) for code, count in looked_at.items()]
    return sorted(found, key=lambda it: (-it.share_pct, -it.looked_at, it.code))
