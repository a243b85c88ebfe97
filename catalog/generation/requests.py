"""Ask for proposals: accept an order for products, and say how far it is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from catalog.generation.models import GenerationRequest, Proposal
from catalog.generation.orders import Order, make_order
from jobs import audit
from jobs.admission import admit
from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.models import Priority
from jobs.workflows import open_group
from marketplace.gemini.errors import GeminiNotSetUp
from marketplace.models import Product, Seller

TASK = "ai_generation"
END_TASK = "finish-generation"
MAX_PRODUCTS = 500
State = Proposal.State


class UnknownProducts(ValueError):
    """Some of the products are not there, or there is nothing to write about."""

    def __init__(self, product_ids: Collection[int]) -> None:
        named = ", ".join(str(pk) for pk in sorted(product_ids)[:10])
        super().__init__(f"These are no products with a text or a picture of this seller: {named}.")


class TooManyGenerations(Exception):
    """The seller has asked for as many proposals today as it may."""

    code = "generation.too_many"

    def __init__(self, *, left: int, retry_after_s: float) -> None:
        super().__init__(
            f"A seller may ask for {settings.GENERATIONS_PER_SELLER_DAY} proposals a day; {left} are left today."
        )
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is."""

    total: int
    waiting: int
    ready: int
    empty: int
    failed: int

    @property
    def done(self) -> int:
        """How many products have come to an end."""
        return self.total - self.waiting


def start_generation(
    order: Order, *, seller: Seller, product_ids: Sequence[int], trigger: str, actor: str = ""
) -> GenerationRequest:
    """Accept an order and enqueue a job for each product.

    Args:
        order: what is asked for.
        seller: whose products they are.
        product_ids: of at most MAX_PRODUCTS products, each counted once.
        trigger: api, page or staff.
        actor: the member of staff who asks, for the audit log; staff are neither refused nor counted against the day.

    Raises:
        GeminiNotSetUp: there is no key; nothing is enqueued.
        UnknownProducts: of another seller, gone, or with nothing to write about.
        TooManyGenerations: the day's are used up.
        TooManyJobs: the submission is refused for now.
    """
    if not settings.GEMINI_API_KEY:
        raise GeminiNotSetUp
    wanted = list(dict.fromkeys(product_ids))
    found = set(writable_products(seller.pk).filter(pk__in=wanted).values_list("pk", flat=True))
    if len(found) < len(wanted) or not wanted:
        raise UnknownProducts(set(wanted) - found)
    if not actor:
        admit(tenant=seller.tenant, priority=Priority.HIGH, count=len(wanted))
    with transaction.atomic():
        if not actor:
            _spend(seller.pk, len(wanted), now=timezone.now())
        request = GenerationRequest.objects.create(
            seller=seller,
            kinds=[str(kind) for kind in order.kinds],
            parameters=order.parameters,
            trigger=trigger,
            requested_by=actor,
        )
        proposals = Proposal.objects.bulk_create([Proposal(request=request, product_id=pk) for pk in wanted])
        _enqueue(request, proposals, seller)
        if actor:
            subject = f"generation {request.pk}"
            audit.record(actor=actor, action="generate", subject=subject, reason="proposals", count=len(wanted))
    return request


def writable_products(seller_id: int) -> QuerySet[Product]:
    """Find the seller's products that are there and say something, or show it."""
    products = Product.objects.filter(seller=seller_id).exclude(status=Product.Status.GONE)
    has_picture = Q(pk__in=Product.objects.filter(seller=seller_id, pictures__status="ready").values("pk"))
    return products.filter(~Q(title="") | ~Q(description="") | has_picture)


def order_of(request: GenerationRequest) -> Order:
    """Return the order that a request carries."""
    return make_order(request.kinds, request.parameters)


def progress_of(requests: Collection[GenerationRequest]) -> dict[object, Progress]:
    """Count the products of requests, by the request's id."""
    rows = Proposal.objects.filter(request__in=requests).order_by().values_list("request", "state")
    counts: dict[object, dict[str, int]] = {request.pk: {} for request in requests}
    for request_id, state, count in rows.annotate(count=Count("pk")):
        counts[request_id][state] = count
    return {
        pk: Progress(
            total=sum(by_state.values()),
            waiting=by_state.get(State.WAITING, 0),
            ready=by_state.get(State.READY, 0),
            empty=by_state.get(State.EMPTY, 0),
            failed=by_state.get(State.FAILED, 0),
        )
        for pk, by_state in counts.items()
    }


def left_today(seller_id: int, *, now: datetime) -> int:
    """Return how many proposals the seller may still ask for before midnight (UTC)."""
    most = settings.GENERATIONS_PER_SELLER_DAY
    # By the time of the requests, which have an index of their seller's newest; and counted no further than it matters.
    of_today = GenerationRequest.objects.filter(seller=seller_id, requested_by="", created_at__gte=_midnight(now))
    return most - Proposal.objects.filter(request__in=of_today).order_by()[:most].count()


def _spend(seller_id: int, count: int, *, now: datetime) -> None:
    # Two requests at once are counted one by one.
    Seller.objects.select_for_update(no_key=True).only("pk").get(pk=seller_id)
    left = left_today(seller_id, now=now)
    if count > left:
        raise TooManyGenerations(left=left, retry_after_s=(_midnight(now) + timedelta(days=1) - now).total_seconds())


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _enqueue(request: GenerationRequest, proposals: Sequence[Proposal], seller: Seller) -> None:
    open_group(
        request.group,
        tenant=seller.tenant,
        then=NewJob(END_TASK, {"request": str(request.pk)}, priority=Priority.HIGH),
    )
    meta = {"source": request.trigger, "correlation_id": str(request.pk)}
    jobs = enqueue_many(
        [
            NewJob(
                TASK,
                {"proposal": proposal.pk},
                tenant=seller.tenant,
                priority=Priority.HIGH,
                key=f"{request.pk}:{proposal.product_id}",
                group=request.group,
                meta=meta,
            )
            for proposal in proposals
        ]
    )
    for proposal, job in zip(proposals, jobs, strict=True):
        proposal.job_id = job.job_id
    Proposal.objects.bulk_update(proposals, ["job_id"])
