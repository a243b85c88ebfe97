"""Judge products and record the verdicts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Max
from django.utils import timezone

from marketplace.models import Product
from qc.facts import facts_of
from qc.models import Verdict
from qc.reviewer.review import Review, is_on, is_worth_asking
from qc.rules.contract import ProductFacts, Reason, Severity
from qc.rules.ruleset import Ruleset
from qc.rulesets import current_ruleset

Decision = Verdict.Decision
Status = Product.Status


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision on facts: the reasons, gravest first, and who made it of what."""

    decision: Verdict.Decision
    reasons: tuple[Reason, ...]
    facts: ProductFacts
    rule_version: str
    model: str = ""
    prompt_version: str = ""
    review: Review | None = None  # None: not asked for


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a product: its decision, and whether the index has to follow.

    Outdated: what the seller says was changed since it was reviewed; nothing was written, and it wants another look.
    """

    product_id: int
    decision: Verdict.Decision
    must_reindex: bool
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a product: the decision, and the reasons as entries."""

    decision: Verdict.Decision
    reasons: list[dict[str, str]]


def judge(facts: ProductFacts, *, ruleset: Ruleset | None = None) -> Judgement:
    """Let the rules decide: any reject rejects, else any flag flags, else it is approved; advice holds nothing back."""
    ruleset = ruleset or current_ruleset()
    reasons = gravest_first(ruleset.reasons_against(facts))
    return Judgement(decision_on(reasons), reasons, facts, ruleset.version)


def reviewed(judgement: Judgement, review: Review) -> Judgement:
    """Add what the reviewer says to what the rules say; it takes nothing away."""
    reasons = gravest_first([*judgement.reasons, *review.reasons])
    return replace(
        judgement,
        decision=decision_on(reasons),
        reasons=reasons,
        model=review.model,
        prompt_version=review.prompt_version,
        review=review,
    )


_GRAVITY = {Severity.REJECT: 0, Severity.FLAG: 1, Severity.ADVISE: 2}


def gravest_first(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Order reasons by what they do; equally grave ones stay as they are."""
    return tuple(sorted(reasons, key=lambda reason: _GRAVITY[reason.severity]))


def decision_on(reasons: Collection[Reason]) -> Verdict.Decision:
    """Return what reasons amount to."""
    severities = {reason.severity for reason in reasons}
    if Severity.REJECT in severities:
        return Decision.REJECTED
    return Decision.FLAGGED if Severity.FLAG in severities else Decision.APPROVED


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
    facts = facts_of(products)
    latest = _latest_verdicts(facts)
    by_staff = {pk: it for pk, it in latest.items() if _is_held(it, facts[pk])}
    made = {
        pk: judgements[pk] if judgements[pk].facts == its else _anew(judgements[pk], its) for pk, its in facts.items()
    }
    current = {pk: it for pk, it in made.items() if it is not None}
    outdated = made.keys() - current.keys() - by_staff.keys()
    _write_verdicts({pk: judgement for pk, judgement in current.items() if pk not in by_staff}, latest)
    standings = {pk: _standing(it) for pk, it in current.items()}
    standings |= {pk: Standing(Decision(it.decision), it.reasons) for pk, it in by_staff.items()}
    recorded = apply_decisions([it for it in products if it.pk not in outdated], standings)
    return recorded + [Recorded(pk, Decision.FLAGGED, must_reindex=False, is_outdated=True) for pk in sorted(outdated)]


def held_by_staff(judgements: Mapping[int, Judgement]) -> set[int]:
    """Return which products staff has judged as they are now: nobody else's opinion counts."""
    return {pk for pk, it in _latest_verdicts(judgements).items() if _is_held(it, judgements[pk].facts)}


def _anew(made: Judgement, facts: ProductFacts) -> Judgement | None:
    """Judge what changed since; None where the reviewer would have to be asked anew."""
    again = judge(facts)
    if not is_on() or not is_worth_asking(again.reasons):
        return again
    if made.review is not None and facts.content_hash == made.facts.content_hash:
        return reviewed(again, made.review)
    return None


def _is_held(latest: Verdict, facts: ProductFacts) -> bool:
    """Tell whether staff's verdict holds: as long as the seller says the same of the product."""
    return not latest.is_automatic and latest.content_hash == facts.content_hash


def _standing(judgement: Judgement) -> Standing:
    return Standing(judgement.decision, [reason.as_entry() for reason in judgement.reasons])


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


def _write_verdicts(judgements: dict[int, Judgement], latest: dict[int, Verdict]) -> None:
    Verdict.objects.bulk_create(
        [
            Verdict(
                product_id=product_id,
                decision=judgement.decision,
                reasons=[reason.as_entry() for reason in judgement.reasons],
                rule_version=judgement.rule_version,
                model=judgement.model,
                prompt_version=judgement.prompt_version,
                input_hash=judgement.facts.input_hash,
                content_hash=judgement.facts.content_hash,
                content=judgement.facts.content,
                review=judgement.review.as_json() if judgement.review else {},
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
        and verdict.rule_version == judgement.rule_version
        and (verdict.model, verdict.prompt_version) == (judgement.model, judgement.prompt_version)
        and verdict.input_hash == judgement.facts.input_hash
        and verdict.decision == judgement.decision
    )


def apply_decisions(products: Sequence[Product], standings: dict[int, Standing]) -> list[Recorded]:
    """Set the products' statuses, in one statement, and tell which ones the index has to follow.

    An approved product goes live when the index shows it. One that is gone from its catalog, or could not be
    read, stays so. The products are locked, and there is a standing for each.
    """
    recorded, changed = [], []
    now = timezone.now()
    for product in products:
        standing = standings[product.pk]
        was_live, is_away = product.status == Status.LIVE, product.status in (Status.GONE, Status.DEAD)
        is_approved = standing.decision == Decision.APPROVED
        must_reindex = not is_away and (is_approved or was_live)
        recorded.append(Recorded(product_id=product.pk, decision=standing.decision, must_reindex=must_reindex))
        if is_away:
            continue
        status = _status_after(product.status, standing.decision)
        if (product.status, product.reasons) != (status, standing.reasons):
            product.status, product.reasons, product.updated_at = status, standing.reasons, now
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
