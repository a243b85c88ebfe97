"""What staff decides: verdicts of people, and taking them back.

A verdict of staff holds for as long as the seller says the same of the product. Locks are taken in the order
products (by id), then their holds.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from jobs import audit
from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.models import Priority
from marketplace.models import Product
from marketplace.notifications.telling import Kind, subject_of, tell
from marketplace.products import AWAY
from qc import holds
from qc.facts import facts_of
from qc.holds import CannotDecide as CannotDecide
from qc.models import Appeal, ReviewHold, Verdict
from qc.rules.contract import ProductFacts, Reason, Severity
from qc.staff_reasons import holding_reasons
from qc.verdicts import NOT_JUDGED, Standing, apply_decisions, latest_verdicts, tell_of_products

Decision = Verdict.Decision


class ReasonMissing(CannotDecide):
    """Say why: the seller has to know what to mend."""


class ProductIsAway(CannotDecide):
    """The product is gone from its catalog, or could not be read: there is nothing to decide."""


class ProductChanged(CannotDecide):
    """The seller changed the product since you looked. Look at it as it is now."""


class NothingToUndo(CannotDecide):
    """This verdict does not hold any more, or was not made by staff: there is nothing to take back."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a member of staff decides, and why.

    Args:
        decision: approved or rejected.
        actor: who.
        reasons: what the seller is told of a rejection; an approval keeps the advice that the product had.
        note: for colleagues; the seller does not see it.
        is_as_found: a rejection for what the rules had against each product, instead of `reasons`.
    """

    decision: Verdict.Decision
    actor: User
    reasons: Sequence[Reason] = ()
    note: str = ""
    is_as_found: bool = False


def decide(
    product_id: int,
    *,
    decision: Verdict.Decision,
    actor: User,
    reasons: Sequence[Reason] = (),
    note: str = "",
    appeal: Appeal | None = None,
    seen: str = "",
    must_hold: bool = False,
) -> Verdict:
    """Judge a product as staff; return the verdict, which holds from now on.

    The product's status follows at once, and the index by a job. The decision and its reason stand in the audit log.
    Whoever answers an appeal by it tells the seller themselves.

    Args:
        product_id: the product.
        decision: approved or rejected.
        actor: who decides.
        reasons: what the seller is told of a rejection.
        note: for colleagues.
        appeal: the appeal that this answers.
        seen: the content hash of what the actor saw; "" decides on the product whatever it says now.
        must_hold: refuse unless the actor holds the product.

    Raises:
        ReasonMissing, ProductIsAway, ProductChanged: see there.
        HeldByAnother, NotHeld: somebody else looks at the product, or the actor's own hold ran out.
        Product.DoesNotExist: there is no such product.
    """
    ruling = Ruling(decision, actor, reasons, note)
    with transaction.atomic():
        product = _locked(product_id)
        check_hold = holds.insist_on_hold if must_hold else holds.refuse_others
        check_hold(product_id, user=actor)
        if product.status in AWAY:
            raise ProductIsAway
        facts = facts_of([product])
        if seen and facts[product_id].content_hash != seen:
            raise ProductChanged
        (verdict,) = rule([product], facts, ruling, is_told=appeal is None)
        about = f"product {product_id}" + (f", {appeal}" if appeal else "")
        audit.record(actor=actor.get_username(), action=_verb(decision), subject=about, reason=_why(verdict))
    return verdict


def rule(
    products: Sequence[Product], facts: dict[int, ProductFacts], ruling: Ruling, *, is_told: bool = True
) -> list[Verdict]:
    """Write the same verdict on each of these products, which are locked and not away, and have it followed.

    Args:
        products: the products.
        facts: of each, as it is now.
        ruling: what is decided.
        is_told: their sellers are told by this; else by the caller.

    Raises:
        ReasonMissing: a rejection without a reason.
    """
    if ruling.decision == Decision.FLAGGED:
        raise ValueError("staff approves or rejects")
    entries = {product.pk: _entries(ruling, product) for product in products}
    if ruling.decision == Decision.REJECTED and not all(entries.values()):
        raise ReasonMissing
    before = latest_verdicts(facts)
    made = Verdict.objects.bulk_create(
        [
            Verdict(
                decision=ruling.decision,
                reasons=entries[product.pk],
                rule_version=latest.rule_version if (latest := before.get(product.pk)) else "",
                is_automatic=False,
                made_by=ruling.actor,
                note=ruling.note,
                overrides=latest if latest and latest.is_automatic else None,
                **_input(product.pk, facts[product.pk]),
            )
            for product in products
        ]
    )
    _follow(products, made)
    if is_told:
        _tell(products, ruling.decision)
    return made


def undo(verdict: Verdict, actor: User) -> Verdict:
    """Take a verdict of staff back; return the one that holds instead, which says what held before.

    The record stays: a verdict is added that says the same as the one before. Where there was none, or one on what the
    seller has changed since, the product is left to staff, and judged anew.

    Raises:
        NothingToUndo: it is no verdict of staff, it does not hold any more, or was taken back.
        ProductIsAway, HeldByAnother: as decide.
    """
    with transaction.atomic():
        product = _locked(verdict.product_id)
        latest = latest_verdicts([product.pk])[product.pk]
        if latest.pk != verdict.pk or latest.is_automatic or latest.undoes_id is not None:
            raise NothingToUndo
        holds.refuse_others(product.pk, user=actor)
        if product.status in AWAY:
            raise ProductIsAway
        facts = facts_of([product])[product.pk]
        restored = _before(latest, facts)
        restored.undoes, restored.made_by = latest, actor
        restored.save(force_insert=True)
        _follow([product], [restored])
        if restored.reasons == [NOT_JUDGED.as_entry()]:
            enqueue_many([_job("quality-control", product)])
        _tell([product], Decision(restored.decision))
        subject = f"product {product.pk}"
        audit.record(actor=actor.get_username(), action="undo verdict", subject=subject, reason=f"undoes {latest}")
    return restored


def check_again(product_id: int, *, actor: User, reason: str) -> None:
    """Have a product judged anew by the rules as they are now, and by Gemini where it is asked.

    A verdict of staff ceases to hold. Until the new verdict the product stays what it is.

    Raises:
        ProductIsAway, HeldByAnother: as decide.
        jobs.audit.ReasonMissing: the reason is empty.
    """
    with transaction.atomic():
        product = _locked(product_id)
        holds.refuse_others(product_id, user=actor)
        if product.status in AWAY:
            raise ProductIsAway
        latest = latest_verdicts([product_id]).get(product_id)
        if latest is not None and not latest.is_automatic:
            lifted = _copy(latest)
            lifted.is_automatic, lifted.made_by, lifted.note = True, actor, "to be checked again"
            lifted.input_hash = ""
            lifted.save(force_insert=True)
        enqueue_many([_job("quality-control", product)])
        audit.record(actor=actor.get_username(), action="check again", subject=f"product {product_id}", reason=reason)


def lock_products(product_ids: Collection[int]) -> list[Product]:
    """Lock products, in the order of their ids, with their sellers; call it in a transaction."""
    rows = Product.objects.filter(pk__in=product_ids).order_by("pk").select_for_update(of=("self",))
    return list(rows.select_related("seller"))


def _locked(product_id: int) -> Product:
    found = lock_products([product_id])
    if not found:
        raise Product.DoesNotExist
    return found[0]


def _entries(ruling: Ruling, product: Product) -> list[dict[str, str]]:
    if ruling.decision == Decision.APPROVED:
        return [entry for entry in product.reasons if entry.get("severity") == Severity.ADVISE]
    reasons = holding_reasons(product.reasons) if ruling.is_as_found else ruling.reasons
    return [reason.as_entry() for reason in reasons]


def _input(product_id: int, facts: ProductFacts) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "input_hash": facts.input_hash,
        "content_hash": facts.content_hash,
        "content": facts.content,
    }


def _follow(products: Sequence[Product], verdicts: Sequence[Verdict]) -> None:
    """Make statuses, the index and the holds follow what was decided.

    The index is always asked to look: a product may just be on its way into it, and not be live yet.
    """
    by_product = {it.product_id: it for it in verdicts}
    apply_decisions(products, {pk: Standing(Decision(it.decision), it.reasons) for pk, it in by_product.items()})
    enqueue_many([_job("index-product", it, key=f"verdict:{by_product[it.pk].pk}") for it in products])
    ReviewHold.objects.filter(product__in=by_product).delete()


def _tell(products: Sequence[Product], decision: Verdict.Decision) -> None:
    """Tell the sellers: of an approval here, of all else as for any verdict."""
    if decision != Decision.APPROVED:
        tell_of_products(products)
        return
    approved: dict[int, list[Product]] = defaultdict(list)
    for product in products:
        approved[product.seller_id].append(product)
    for seller_id, its in sorted(approved.items()):
        tell(Kind.PRODUCTS_APPROVED, seller_id=seller_id, subjects=[subject_of(product) for product in its])


def _job(task: str, product: Product, *, key: str | None = None) -> NewJob:
    payload = {"sync": product.last_sync_id, "product": product.pk}
    return NewJob(task, payload, tenant=product.seller.tenant, priority=Priority.HIGH, key=key)


def _before(verdict: Verdict, facts: ProductFacts) -> Verdict:
    earlier = Verdict.objects.filter(product=verdict.product_id, pk__lt=verdict.pk).first()
    is_same = earlier is not None and earlier.content_hash == facts.content_hash
    return _copy(earlier) if earlier and is_same else _unjudged(verdict, facts)


def _unjudged(verdict: Verdict, facts: ProductFacts) -> Verdict:
    """Return a verdict that leaves the product to staff."""
    left = _copy(verdict)
    left.input_hash, left.content_hash, left.content = "", facts.content_hash, facts.content
    left.decision, left.is_automatic, left.note = Decision.FLAGGED, True, ""
    left.reasons = [NOT_JUDGED.as_entry()]
    left.overrides = None
    return left


def _copy(verdict: Verdict) -> Verdict:
    names = [it.attname for it in Verdict._meta.concrete_fields if it.name not in ("id", "made_at", "undoes")]
    return Verdict(**{name: getattr(verdict, name) for name in names})


def _verb(decision: Verdict.Decision) -> str:
    return "approve product" if decision == Decision.APPROVED else "reject product"


def _why(verdict: Verdict) -> str:
    codes = ", ".join(entry["code"] for entry in verdict.reasons)
    return ": ".join(part for part in (codes, verdict.note) if part) or "looked at"
