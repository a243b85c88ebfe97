"""Judge products and record the verdicts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Max
from django.utils import timezone

from marketplace.models import Product
from marketplace.notifications.telling import Kind, subject_of, tell
from marketplace.products import AWAY
from qc.facts import facts_of
from qc.models import Verdict
from qc.reviewer.review import Review, is_on, is_worth_asking
from qc.rules.contract import ProductFacts, Reason, Severity
from qc.rules.ruleset import Ruleset
from qc.rulesets import current_ruleset

Decision = Verdict.Decision
Status = Product.Status


NOT_JUDGED = Reason(
    code="qc.not_judged",
    severity=Severity.FLAG,
    field="",
    message="The product could not be checked.",
    remedy="Nothing on your side; our staff will look at it.",
)


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

    Outdated: what the seller says was not reviewed as it is now; nothing was written, and it wants another look.
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
    facts = facts_of(Product.objects.filter(pk__in=product_ids).select_related("seller"), may_measure=True)
    return {product_id: judge(its_facts) for product_id, its_facts in facts.items()}


def record_judgements(judgements: dict[int, Judgement]) -> list[Recorded]:
    """Write verdicts and statuses. Call it in the transaction that ends the jobs.

    The products are locked in the order of their ids and judged anew where they changed since: of two
    judgements that cross, the later one then has the later facts. What changed around them since, their siblings
    and their categories' prices, waits for the next judgement. A verdict by the same rules on the same input is not
    written twice. Where there is a reviewer, nothing is approved that it was not asked about: a product that changed
    since is told as outdated.
    """
    locked = Product.objects.filter(pk__in=judgements).order_by("pk").select_for_update(of=("self",))
    products = list(locked.select_related("seller"))
    facts = facts_of(products, earlier={pk: made.facts for pk, made in judgements.items()})
    latest = latest_verdicts(facts)
    by_staff = {pk: it for pk, it in latest.items() if _is_held(it, facts[pk])}
    made = {pk: _as_of(its, judgements[pk]) for pk, its in facts.items()}
    current = {pk: it for pk, it in made.items() if not _lacks_review(it)}
    outdated = made.keys() - current.keys() - by_staff.keys()
    _write_verdicts({pk: judgement for pk, judgement in current.items() if pk not in by_staff}, latest)
    standings = {pk: _standing(it) for pk, it in current.items()}
    standings |= {pk: Standing(Decision(it.decision), it.reasons) for pk, it in by_staff.items()}
    recorded = apply_decisions([it for it in products if it.pk not in outdated], standings)
    judged = [it for it in products if it.pk in current and it.pk not in by_staff]
    tell_of_products([it for it in judged if _is_news(latest.get(it.pk), current[it.pk])])
    return recorded + [Recorded(pk, Decision.FLAGGED, must_reindex=False, is_outdated=True) for pk in sorted(outdated)]


def _is_news(latest: Verdict | None, judgement: Judgement) -> bool:
    """Tell whether another decision was made than before, or for other reasons; advice aside."""
    if latest is None or latest.decision != judgement.decision:
        return True
    before = {reason["code"] for reason in latest.reasons if reason.get("severity") != Severity.ADVISE}
    return before != {reason.code for reason in judgement.reasons if reason.severity != Severity.ADVISE}


def held_by_staff(judgements: Mapping[int, Judgement]) -> set[int]:
    """Return which products staff has judged as they are now: nobody else's opinion counts."""
    return {pk for pk, it in latest_verdicts(judgements).items() if _is_held(it, judgements[pk].facts)}


def _as_of(facts: ProductFacts, made: Judgement) -> Judgement:
    """Return a judgement on the facts of now by the rules of now; a review stays where the seller says the same."""
    if made.facts == facts and made.rule_version == current_ruleset().version:
        return made
    again = judge(facts)
    is_same = facts.content_hash == made.facts.content_hash
    return reviewed(again, made.review) if is_same and made.review and is_worth_asking(again.reasons) else again


def _lacks_review(judgement: Judgement) -> bool:
    return is_on() and judgement.review is None and is_worth_asking(judgement.reasons)


def _is_held(latest: Verdict, facts: ProductFacts) -> bool:
    """Tell whether staff's verdict holds: as long as the seller says the same of the product."""
    return not latest.is_automatic and latest.content_hash == facts.content_hash


def _standing(judgement: Judgement) -> Standing:
    return Standing(judgement.decision, [reason.as_entry() for reason in judgement.reasons])


def flag_unjudged(product_ids: Collection[int]) -> None:
    """Flag products on their way that the rules could not judge."""
    locked = Product.objects.filter(pk__in=product_ids, status=Status.PENDING).order_by("pk").select_for_update()
    products = list(locked)
    for product in products:
        product.status, product.reasons, product.updated_at = Status.FLAGGED, [NOT_JUDGED.as_entry()], timezone.now()
    Product.objects.bulk_update(products, ["status", "reasons", "updated_at"])
    tell_of_products(products)


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


def latest_verdicts(product_ids: Iterable[int]) -> dict[int, Verdict]:
    """Return the verdict that holds for each of the products that have one."""
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
        was_live, is_away = product.status == Status.LIVE, product.status in AWAY
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


_TOLD_AS = {Status.REJECTED: Kind.PRODUCTS_REJECTED, Status.FLAGGED: Kind.PRODUCTS_FLAGGED}


def tell_of_products(products: Iterable[Product]) -> None:
    """Tell the sellers of those of the products that are rejected or flagged; once for each seller and status."""
    told: dict[tuple[Kind, int], list[Product]] = defaultdict(list)
    for product in products:
        if kind := _TOLD_AS.get(Status(product.status)):
            told[kind, product.seller_id].append(product)
    for (kind, seller_id), its_products in sorted(told.items()):
        tell(kind, seller_id=seller_id, subjects=[subject_of(product) for product in its_products])
