"""Appeals: a seller asks for another look at a verdict, staff answers, and the seller is told.

Locks are taken in the order product, appeal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs import audit
from marketplace.models import Product, Seller
from marketplace.notifications.telling import Kind, tell
from marketplace.products import AWAY
from qc.models import Appeal, Verdict
from qc.review import CannotDecide, decide

MAX_WHY_CHARS = 500
MAX_ANSWER_CHARS = 2_000
A_DAY = 20  # of one seller
DAY = timedelta(days=1)
State = Appeal.State
Decision = Verdict.Decision


class CannotAppeal(Exception):
    """No appeal was made; the message says why, and what to do."""

    code = "appeal.refused"

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


class NothingToAppeal(CannotAppeal):
    """The product is not rejected: there is nothing to appeal against."""

    code = "appeal.not_rejected"


class WaitsForStaff(CannotAppeal):
    """Our staff looks at this product without being asked. You are told what they find."""

    code = "appeal.waits_for_staff"


class UnderReview(CannotAppeal):
    """You have asked already. You are told when our staff has answered."""

    code = "appeal.open"


class AlreadyAnswered(CannotAppeal):
    """A person has looked at this again already. Change the product, then have it checked again."""

    code = "appeal.answered"


class TooManyAppeals(CannotAppeal):
    """You have asked for as many further looks as you may in a day. Ask again tomorrow."""

    code = "appeal.too_many"


class BadWhy(CannotAppeal):
    """Say in up to 500 characters why the product should be shown."""

    code = "appeal.why"


class NotOpen(CannotAppeal):
    """The appeal is not open any more."""

    code = "appeal.not_open"


class AnswerMissing(CannotDecide):
    """Write an answer of up to 2,000 characters: the seller is told it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an appeal would be about: the verdict that holds, or why there can be none now."""

    verdict: Verdict | None
    refusal: CannotAppeal | None


def appeals_of(seller: Seller) -> QuerySet[Appeal]:
    """Find a seller's appeals, newest first, with their products and verdicts."""
    return Appeal.objects.filter(seller=seller).select_related("product", "verdict")


class ApprovedMeanwhile(CannotDecide):
    """The product was approved meanwhile, so the verdict cannot stay. Overturn it."""


def open_appeals() -> QuerySet[Appeal]:
    """Find what waits for an answer, longest first."""
    return Appeal.objects.filter(state=State.OPEN).order_by("pk")


def open_count() -> str:
    """Count the open appeals for the navigation's badge, up to 99."""
    count = open_appeals()[:100].count()
    return "99+" if count > 99 else str(count)


def ground_for(product: Product, *, now: datetime | None = None) -> Ground:
    """Return against what the seller may appeal, or why not."""
    verdict = Verdict.objects.filter(product=product.pk).first()
    if product.status == Product.Status.FLAGGED:
        return Ground(verdict, WaitsForStaff())
    if product.status != Product.Status.REJECTED or verdict is None or verdict.decision != Decision.REJECTED:
        return Ground(None, NothingToAppeal())
    if open_appeals().filter(product=product.pk).exists():  # also against an earlier verdict
        return Ground(verdict, UnderReview())
    states = set(Appeal.objects.filter(verdict=verdict).values_list("state", flat=True))
    if states & {State.UPHELD, State.OVERTURNED}:
        return Ground(verdict, AlreadyAnswered())
    since = (now or timezone.now()) - DAY
    if Appeal.objects.filter(seller=product.seller_id, opened_at__gt=since)[:A_DAY].count() >= A_DAY:
        return Ground(verdict, TooManyAppeals())
    return Ground(verdict, None)


def open_appeal(product_id: int, *, why: str, asked_by: str, now: datetime | None = None) -> Appeal:
    """Ask for another look at the verdict on a product.

    Raises:
        CannotAppeal: see its members.
        Product.DoesNotExist: there is no such product.
    """
    why = why.replace("\r\n", "\n").strip()
    if not 0 < len(why) <= MAX_WHY_CHARS or "\x00" in why:
        raise BadWhy
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
        ground = ground_for(product, now=now)
        if ground.refusal is not None or ground.verdict is None:
            raise ground.refusal or NothingToAppeal()
        return Appeal.objects.create(
            seller_id=product.seller_id, product=product, verdict=ground.verdict, why=why, asked_by=asked_by[:150]
        )


def withdraw(appeal: Appeal) -> Appeal:
    """Take an appeal back; the seller may ask again.

    Raises:
        NotOpen: it was answered, or withdrawn before.
    """
    with transaction.atomic():
        appeal = _locked(appeal)
        _close(appeal, State.WITHDRAWN)
    return appeal


def answer(appeal: Appeal, *, is_upheld: bool, actor: User, text: str, seen: str = "") -> Appeal:
    """Answer an appeal as staff, and tell the seller. What is overturned is approved, by the actor.

    Args:
        appeal: the appeal.
        is_upheld: the verdict stays.
        actor: who answers.
        text: what the seller is told.
        seen: the content hash of what the actor saw; "" answers whatever the product says now.

    Raises:
        NotOpen: somebody else was faster, or the seller took it back.
        CannotDecide: no answer is written, the product changed or is away, or somebody else looks at it.
    """
    text = text.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= MAX_ANSWER_CHARS:
        raise AnswerMissing
    with transaction.atomic():
        appeal = _locked(appeal)
        if appeal.state != State.OPEN:
            raise NotOpen
        if is_upheld and appeal.product.status in (Product.Status.LIVE, Product.Status.PENDING):
            raise ApprovedMeanwhile
        if not is_upheld:
            approved = Decision.APPROVED
            appeal.new_verdict = decide(appeal.product_id, decision=approved, actor=actor, appeal=appeal, seen=seen)
        appeal.answer, appeal.answered_by = text, actor
        _close(appeal, State.UPHELD if is_upheld else State.OVERTURNED)
        audit.record(
            actor=actor.get_username(), action=f"answer appeal: {appeal.state}", subject=str(appeal), reason=text
        )
        _tell(appeal)
    return appeal


def is_answerable(appeal: Appeal) -> bool:
    """Tell whether the product can still be approved: one that is away cannot."""
    return appeal.state == State.OPEN and appeal.product.status not in AWAY


def _locked(appeal: Appeal) -> Appeal:
    Product.objects.select_for_update(of=("self",)).get(pk=appeal.product_id)
    locked = Appeal.objects.select_for_update(of=("self",)).select_related("product", "verdict", "seller")
    return locked.get(pk=appeal.pk)


def _close(appeal: Appeal, state: Appeal.State) -> None:
    if appeal.state != State.OPEN:
        raise NotOpen
    appeal.state, appeal.closed_at = state, timezone.now()
    appeal.save(update_fields=["state", "closed_at", "answer", "answered_by", "new_verdict"])


def _tell(appeal: Appeal) -> None:
    reasons = appeal.verdict.reasons
    subject = {
        "product": appeal.product_id,
        "title": str(appeal.product),
        "reason": reasons[0]["code"] if reasons else "",
        "message": appeal.answer,
    }
    facts = {"appeal": appeal.pk, "outcome": appeal.state, "answer": appeal.answer}
    tell(Kind.APPEAL_ANSWERED, seller_id=appeal.seller_id, subjects=[subject], facts=facts)
