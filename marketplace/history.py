"""How long what has ended is kept for people to look back on: HISTORY_KEEP_DAYS."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from jobs.models import FINAL_STATES, Job
from marketplace.accounts.models import Invitation
from marketplace.rechecks.models import Recheck

AT_ONCE = 500


def kept_since(now: datetime) -> datetime:
    """Return the instant before which what has ended is not kept any more."""
    return now - timedelta(days=settings.HISTORY_KEEP_DAYS)


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete the rows, and what hangs on them, AT_ONCE in a transaction; return how many rows of these went."""
    total = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.model._default_manager.filter(pk__in=ids).delete()
        total += len(ids)
    return total


def sweep_history(*, now: datetime) -> int:
    """Delete invitations and rechecks that ended long ago; return how many."""
    return delete_in_batches(old_invitations(now)) + delete_in_batches(old_rechecks(now))


def old_invitations(now: datetime) -> QuerySet[Invitation]:
    """Find the invitations that were used, or had expired, before what is kept."""
    old = kept_since(now)
    return Invitation.objects.filter(Q(accepted_at__lt=old) | Q(accepted_at=None, expires_at__lt=old))


def old_rechecks(now: datetime) -> QuerySet[Recheck]:
    """Find the rechecks that were asked for before what is kept, and on which no job works any more."""
    group = Concat(Value("recheck:"), Cast(OuterRef("pk"), TextField()))
    live = Job.objects.filter(grp=group).exclude(state__in=FINAL_STATES)
    return Recheck.objects.filter(~Exists(live), asked_at__lt=kept_since(now))
