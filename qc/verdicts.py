"""Judge products and record the verdicts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Max
from django.utils import timezone

from marketplace.models import Picture, Product
from qc.models import Verdict
from qc.rules import ruleset
from qc.rules.contract import PictureFacts, ProductFacts, Reason, Severity

Decision = Verdict.Decision
Status = Product.Status


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of facts: the decision, and the reasons, gravest first."""

    decision: Verdict.Decision
    reasons: tuple[Reason, ...]
    input_hash: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a product: its decision, and whether the index has to follow."""

    product_id: int
    decision: Verdict.Decision
    must_reindex: bool


def judge(facts: ProductFacts) -> Judgement:
    """Decide: any reject rejects, else any flag flags, else it is approved."""
    reasons = ruleset.reasons_against(facts)
    grave = [reason for reason in reasons if reason.severity is Severity.REJECT]
    light = [reason for reason in reasons if reason.severity is Severity.FLAG]
    decision = Decision.REJECTED if grave else Decision.FLAGGED if light else Decision.APPROVED
    return Judgement(decision=decision, reasons=(*grave, *light), input_hash=facts.input_hash)


def facts_of(products: Iterable[Product]) -> dict[int, ProductFacts]:
    """Build what the rules see of products; their sellers should be loaded with them."""
    products = list(products)
    pictures: dict[int, list[PictureFacts]] = {product.pk: [] for product in products}
    rows = Picture.objects.filter(product__in=list(pictures)).order_by("product_id", "position")
    for product_id, code, width, height in rows.values_list("product_id", "error_code", "width_px", "height_px"):
        pictures[product_id].append(PictureFacts(error_code=code, width_px=width, height_px=height))
    return {
        product.pk: ProductFacts(
            title=product.title,
            description=product.description,
            price=None if product.price is None else product.price.normalize(),
            currency=product.currency,
            pictures=tuple(pictures[product.pk]),
            not_carried=tuple(product.not_carried),
            duplicate_of=product.duplicate_of_id,
            seller_phone=product.seller.phone,
        )
        for product in products
    }


def judge_products(product_ids: Collection[int]) -> dict[int, Judgement]:
    """Judge products as they are now."""
    facts = facts_of(Product.objects.filter(pk__in=product_ids).select_related("seller"))
    return {product_id: judge(its_facts) for product_id, its_facts in facts.items()}


def record_judgements(judgements: dict[int, Judgement]) -> list[Recorded]:
    """Write verdicts and statuses. Call it in the transaction that ends the jobs.

    The products are locked in the order of their ids and judged anew where they changed since: of two
    judgements that cross, the later one then has the later facts. A verdict by the same rules on the same
    input is not written twice.
    """
    locked = Product.objects.filter(pk__in=judgements).order_by("pk").select_for_update(of=("self",))
    products = list(locked.select_related("seller"))
    current = {
        product_id: made if (made := judgements[product_id]).input_hash == facts.input_hash else judge(facts)
        for product_id, facts in facts_of(products).items()
    }
    _write_verdicts(current)
    return _apply(products, current)


def flag_unjudged(product_ids: Collection[int]) -> None:
    """Flag products on their way that the rules could not judge."""
    reason = Reason(
        code="qc.not_judged",
        severity=Severity.FLAG,
        field="",
        message="The product could not be checked.",
        remedy="Nothing on your side; our staff will look at it.",
    )
    on_their_way = Product.objects.filter(pk__in=product_ids, status=Status.PENDING)
    on_their_way.update(status=Status.FLAGGED, reasons=[reason.as_entry()], updated_at=timezone.now())


def _write_verdicts(judgements: dict[int, Judgement]) -> None:
    latest = _latest_verdicts(judgements)
    Verdict.objects.bulk_create(
        [
            Verdict(
                product_id=product_id,
                decision=judgement.decision,
                reasons=[reason.as_entry() for reason in judgement.reasons],
                rule_version=ruleset.VERSION,
                input_hash=judgement.input_hash,
            )
            for product_id, judgement in judgements.items()
            if not _is_same(latest.get(product_id), judgement)
        ]
    )


def _latest_verdicts(product_ids: Iterable[int]) -> dict[int, Verdict]:
    newest = Verdict.objects.filter(product__in=list(product_ids)).order_by().values("product").annotate(Max("pk"))
    verdicts = Verdict.objects.filter(pk__in=newest.values("pk__max"))
    return {verdict.product_id: verdict for verdict in verdicts}


def _is_same(verdict: Verdict | None, judgement: Judgement) -> bool:
    return (
        verdict is not None
        and verdict.is_automatic
        and verdict.rule_version == ruleset.VERSION
        and verdict.input_hash == judgement.input_hash
        and verdict.decision == judgement.decision
    )


def _apply(products: Sequence[Product], judgements: dict[int, Judgement]) -> list[Recorded]:
    """Set the products' statuses, in one statement, and tell which ones the index has to follow.

    An approved product goes live when the index shows it. One that is gone from its catalog, or could not be
    read, stays so.
    """
    recorded, changed = [], []
    now = timezone.now()
    for product in products:
        judgement = judgements[product.pk]
        was_live, is_away = product.status == Status.LIVE, product.status in (Status.GONE, Status.DEAD)
        is_approved = judgement.decision == Decision.APPROVED
        must_reindex = not is_away and (is_approved or was_live)
        recorded.append(Recorded(product_id=product.pk, decision=judgement.decision, must_reindex=must_reindex))
        if is_away:
            continue
        status = _status_after(product.status, judgement.decision)
        reasons = [reason.as_entry() for reason in judgement.reasons]
        if (product.status, product.reasons) != (status, reasons):
            product.status, product.reasons, product.updated_at = status, reasons, now
            changed.append(product)
    Product.objects.bulk_update(changed, ["status", "reasons", "updated_at"])
    return recorded


def _status_after(status: str, decision: Verdict.Decision) -> str:
    match decision:
        case Decision.REJECTED:
            return Status.REJECTED
        case Decision.FLAGGED:
            return Status.FLAGGED
        case _:
            return Status.LIVE if status == Status.LIVE else Status.PENDING
