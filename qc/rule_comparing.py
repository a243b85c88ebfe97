"""What rules set otherwise would change for products that were judged.

Only the rules are asked: what the reviewer said of a product is taken as it stands.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, QuerySet

from marketplace.models import Product
from marketplace.products import AWAY
from qc.facts import facts_of
from qc.models import RulesetRevision, RuleTrialChange, Verdict
from qc.rule_settings import Settings
from qc.rules.contract import ProductFacts, Reason, Severity
from qc.rules.ruleset import BY_CODE, Ruleset, make_ruleset
from qc.rulesets import ruleset_of
from qc.verdicts import decision_on

Kind = RuleTrialChange.Kind
Decision = Verdict.Decision

CHUNK = 500  # products that are compared at once
_AREAS = frozenset(code.partition(".")[0] for code in BY_CODE)


@dataclass(frozen=True, slots=True)
class Change:
    """What would change for one product; held: a verdict of staff stands above it."""

    product_id: int
    kind: RuleTrialChange.Kind
    before: Verdict.Decision
    after: Verdict.Decision
    codes: tuple[str, ...]
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """The rules of two rulesets: those only of the first, those only of the second, and those of both."""

    earlier: Ruleset
    later: Ruleset
    shared: Ruleset


def judged_products() -> QuerySet[Product]:
    """Find the products that were judged and are neither gone nor unreadable, by id."""
    judged = Exists(Verdict.objects.filter(product=OuterRef("pk")))
    return Product.objects.exclude(status__in=AWAY).filter(judged).order_by("pk").select_related("seller")


def compare(products: Iterable[Product], *, before: Ruleset, after: Ruleset) -> list[Change]:
    """Tell for whom of the products the second rules would change something, and what.

    A product that changed since its verdict is left out: it is on its way, and will be judged anyway.
    """
    facts = facts_of(products)
    latest = _latest(facts)
    sides = _sides(before, after)
    changes = [
        _change(product_id, its, verdict, sides)
        for product_id, its in facts.items()
        if (verdict := latest.get(product_id)) is not None and verdict.content_hash in ("", its.content_hash)
    ]
    return [it for it in changes if it is not None]


def _latest(product_ids: Collection[int]) -> dict[int, Verdict]:
    rows = Verdict.objects.filter(product__in=list(product_ids)).order_by("product_id", "-pk").distinct("product_id")
    return {it.product_id: it for it in rows.only("product_id", "content_hash", "is_automatic", "reasons")}


def _sides(before: Ruleset, after: Ruleset) -> Sides:
    """Part the rules: few are changed, and of most products those alone have to be asked."""
    return Sides(
        earlier=replace(before, active=tuple(it for it in before.active if it not in after.active)),
        later=replace(after, active=tuple(it for it in after.active if it not in before.active)),
        shared=replace(before, active=tuple(it for it in before.active if it in after.active)),
    )


def _change(product_id: int, facts: ProductFacts, verdict: Verdict, sides: Sides) -> Change | None:
    earlier, later = sides.earlier.reasons_against(facts), sides.later.reasons_against(facts)
    if set(earlier) == set(later):
        return None
    others = sides.shared.reasons_against(facts) + (_said_by_others(verdict) if verdict.is_automatic else [])
    decisions = decision_on([*earlier, *others]), decision_on([*later, *others])
    return Change(
        product_id=product_id,
        kind=_kind(decisions, earlier, later),
        before=decisions[0],
        after=decisions[1],
        codes=tuple(sorted({it.code for it in {*earlier} ^ {*later}})),
        is_held=not verdict.is_automatic,
    )


def _kind(
    decisions: tuple[Verdict.Decision, Verdict.Decision], earlier: Sequence[Reason], later: Sequence[Reason]
) -> RuleTrialChange.Kind:
    if decisions[0] != decisions[1]:
        return Kind.DECISION
    if _codes(earlier, is_advice=False) != _codes(later, is_advice=False):
        return Kind.REASONS
    return Kind.ADVICE if _codes(earlier, is_advice=True) != _codes(later, is_advice=True) else Kind.WORDS


def _codes(reasons: Iterable[Reason], *, is_advice: bool) -> set[tuple[str, Severity]]:
    return {(it.code, it.severity) for it in reasons if (it.severity == Severity.ADVISE) == is_advice}


def _said_by_others(verdict: Verdict) -> list[Reason]:
    """Return the reasons of a verdict that are not of the rules: the reviewer's, say."""
    return [
        Reason(it["code"], Severity(it.get("severity") or Severity.REJECT), it.get("field", ""), "", "")
        for it in verdict.reasons
        if it["code"].partition(".")[0] not in _AREAS
    ]


def changes_by_chunk(settings: Settings, *, base: RulesetRevision | None) -> Iterator[tuple[int, list[Change]]]:
    """Go through all judged products at once, for who waits; yield how many a chunk has, and what would change."""
    before, after = ruleset_of(base), make_ruleset(settings)
    ends_at = 0
    while products := list(judged_products().filter(pk__gt=ends_at)[:CHUNK]):
        ends_at = products[-1].pk
        yield len(products), compare(products, before=before, after=after)


def figures_of(changes: Iterable[Change]) -> Counter[str]:
    """Count changes: "approved>rejected" and the like for decisions, else by kind; "held" for those staff decided."""
    return Counter(
        "held" if it.is_held else f"{it.before}>{it.after}" if it.kind == Kind.DECISION else it.kind.value
        for it in changes
    )


def sum_up(figures: Mapping[str, int]) -> str:
    """Say it: "would change 37 verdicts: 5 newly rejected, 30 newly approved; other advice on 12"."""
    newly = {decision: sum(n for key, n in figures.items() if key.endswith(f">{decision}")) for decision in Decision}
    parts = [f"{count:,} newly {decision.label.lower()}" for decision, count in newly.items() if count]
    changed = sum(newly.values())
    text = f"would change {changed:,} verdict{'' if changed == 1 else 's'}" if changed else "would change no verdict"
    if parts:
        text += f": {', '.join(parts)}"
    told = (
        ("reasons", "other reasons for {:,}"),
        ("advice", "other advice on {:,}"),
        ("words", "other words for {:,}"),
        ("held", "{:,} stay as staff decided"),
    )
    return "; ".join([text, *(words.format(figures[key]) for key, words in told if figures.get(key))])
