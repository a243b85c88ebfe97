"""Rechecks: a seller says that a product is mended, and just that product goes through all stages again.

Who reads it is a task of the apps above, started by its name; here stands who may ask, how often, and how far it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs.admission import TooManyJobs, admit
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import FINAL_STATES, DeadLetter, Job, Priority, State
from marketplace.models import Product, SyncRun
from marketplace.rechecks.models import Recheck
from marketplace.rechecks.wording import sentence_for

TASK = "recheck-product"
A_DAY = 200  # of one seller
REST = timedelta(minutes=1)  # between two of one product
DAY = timedelta(days=1)
# What a stage does, for people; in the order of the stages.
STEPS = {
    TASK: "reading the product",
    "process-images": "fetching its pictures",
    "generate-embedding": "preparing it for search",
    "quality-control": "checking it",
    "index-product": "showing it to buyers",
}


class CannotRecheck(Exception):
    """The product is not checked now; the message says why, and what to do."""

    code = "recheck.refused"
    retry_after_s: int | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class ProductGone(CannotRecheck):
    """The product is no longer in your catalog. Put it back: the next sync finds and checks it."""

    code = "recheck.product_gone"


class StillChecking(CannotRecheck):
    """The product is being checked now. Wait for the outcome."""

    code = "recheck.running"


class CheckedJustNow(CannotRecheck):
    """The product was checked less than a minute ago. Wait a minute."""

    code = "recheck.just_now"
    retry_after_s = int(REST.total_seconds())


class TooManyRechecks(CannotRecheck):
    """You have asked for as many checks as you may in a day. Sync your catalog, or ask again tomorrow."""

    code = "recheck.too_many"
    retry_after_s = 3600


class NoRoom(CannotRecheck):
    """Too much work waits now."""

    code = "recheck.no_room"

    def __init__(self, error: TooManyJobs) -> None:
        super().__init__(f"{error} Ask again in {error.retry_after_s} seconds.")
        self.retry_after_s = error.retry_after_s


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a recheck is.

    Args:
        is_running: whether its jobs still work on it.
        step: what they do, in words; "" when it has ended.
        error: why it could not be done; "" when it was, or is not yet.
    """

    is_running: bool
    step: str = ""
    error: str = ""

    @property
    def status(self) -> str:
        """Checking, done or failed."""
        if self.is_running:
            return "checking"
        return "failed" if self.error else "done"


def refusal(product: Product, *, now: datetime | None = None) -> CannotRecheck | None:
    """Return why a product is not checked again now; None when it may be."""
    now = now or timezone.now()
    if product.status == Product.Status.GONE:
        return ProductGone()
    latest = latest_recheck(product)
    if latest is not None and standing_of(latest).is_running:
        return StillChecking()
    if product.status == Product.Status.PENDING and _is_syncing(product):
        return StillChecking()
    if latest is not None and latest.asked_at > now - REST:
        return CheckedJustNow()
    if Recheck.objects.filter(seller=product.seller_id, asked_at__gt=now - DAY)[:A_DAY].count() >= A_DAY:
        return TooManyRechecks()
    return None


def _is_syncing(product: Product) -> bool:
    if product.last_sync_id is None:
        return False
    return SyncRun.objects.filter(pk=product.last_sync_id, status=SyncRun.Status.RUNNING).exists()


def ask_recheck(product_id: int, *, asked_by: str, now: datetime | None = None) -> Recheck:
    """Have a product read and judged again; return the recheck, whose jobs can be followed.

    Raises:
        CannotRecheck: see its members.
        Product.DoesNotExist: there is no such product.
    """
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).select_related("seller").get(pk=product_id)
        refused = refusal(product, now=now)
        if refused is not None:
            raise refused
        try:
            admit(tenant=product.seller.tenant, priority=Priority.HIGH)
        except TooManyJobs as error:
            raise NoRoom(error) from error
        recheck = Recheck.objects.create(seller=product.seller, product=product, asked_by=asked_by[:150])
        job = NewJob(
            TASK,
            {"recheck": recheck.pk, "sync": product.last_sync_id, "product": product.pk},
            tenant=product.seller.tenant,
            priority=Priority.HIGH,
            key=str(recheck.pk),
            group=recheck.group,
            meta={"source": "recheck"},
        )
        recheck.job_id = enqueue(job).job_id
        recheck.save(update_fields=["job_id"])
    return recheck


def latest_recheck(product: Product) -> Recheck | None:
    """Return the recheck that was asked for last."""
    return Recheck.objects.filter(product=product.pk).first()


def standing_of(recheck: Recheck) -> Standing:
    """Tell how far a recheck is; one whose jobs are off the ledger has long ended.

    A job that was tried again, by another one, counts no more: also where that one is off the ledger already.
    """
    rows = Job.objects.filter(grp=recheck.group).order_by("pk").select_related("dead_letter")
    jobs = list(rows.only("task", "state", "error_code", "origin_id", "dead_letter__resolution"))
    live = [job for job in jobs if job.state not in FINAL_STATES]
    if live:
        return Standing(is_running=True, step=STEPS.get(live[-1].task, STEPS[TASK]))
    tried_again = {job.origin_id for job in jobs} | {job.pk for job in jobs if _was_retried(job)}
    lost = [job for job in jobs if job.state != State.COMPLETED and job.pk not in tried_again]
    return Standing(is_running=False, error=sentence_for(lost[-1].error_code) if lost else "")


def _was_retried(job: Job) -> bool:
    letter: DeadLetter | None = getattr(job, "dead_letter", None)
    return letter is not None and letter.resolution == DeadLetter.Resolution.RETRIED
