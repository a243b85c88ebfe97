"""One answer for each field, of all that the page says: claims are weighed, and what agrees is added up."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.extraction.page_data import Availability, Candidate, Claim, Evidence
from catalog.extraction.visible_labels import Labelled
from catalog.extraction.visible_price import ShownPrice, list_price_beside
from catalog.extraction.visible_stock import ShownAvailability
from marketplace.money import Money

# How much a kind of evidence counts before anything confirms it. Markup for search engines is checked by them; the
# head's is often older; embedded state may be of another form of the product. A price seen beside the title with its
# currency scores 3.5 to 5.5 (visible_price), so that what nobody can see loses to it.
PRICE_WEIGHTS: dict[Evidence, float] = {
    "json-ld": 3.0,
    "microdata": 3.0,
    "rdfa": 2.8,
    "open-graph": 2.2,
    "embedded-state": 1.5,
}
STATE_WEIGHTS: dict[Evidence, float] = {
    "json-ld": 3.0,
    "microdata": 3.0,
    "rdfa": 2.8,
    "open-graph": 2.0,
    "embedded-state": 1.5,
}
TEXT_CONFIDENCES: dict[Evidence, float] = {
    "json-ld": 0.9,
    "microdata": 0.88,
    "rdfa": 0.85,
    "open-graph": 0.75,
    "embedded-state": 0.7,
}
LOWEST = 0.6  # what the lowest of several sellers' or forms' prices counts of the weight
OTHER_FORM = 0.35  # what a price of another offer or variant counts of the weight
ASKED_FOR = 1.5  # what the price of the very form that the address names counts
SHOWN_CAP = 5.5
MIN_VOTE = 0.8
# Markup that counts in another unit than the page shows: thousands read as decimals (34.000), or cents as whole units.
_UNIT_SLIPS = (Decimal(1000), Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class PriceChoice:
    """The price chosen, the list price beside it, and the claims for both sides."""

    price: Money | None
    list_price: Money | None
    claims: tuple[Claim, ...]  # the winner's first
    list_price_evidence: Evidence | None = None
    text: int | None = None  # where it is shown


def choose_price(candidates: Sequence[Candidate], shown: Sequence[ShownPrice]) -> PriceChoice:
    """Return the amount that most evidence stands for; markup that contradicts what is shown loses to it."""
    usable = [price for price in shown if price.score > 0 and not price.is_old]
    by_amount: dict[Decimal, float] = {}
    for price in usable:
        by_amount[price.amount] = max(by_amount.get(price.amount, 0.0), min(price.score, SHOWN_CAP))
    votes: dict[Decimal, float] = {
        amount: score + 0.2 * min(3, _times(usable, amount) - 1) for amount, score in by_amount.items()
    }
    claims: list[tuple[Decimal, Claim, Money]] = []
    heard: set[Evidence] = set()
    declared = {one.price.amount for one in candidates if one.price and one.evidence in ("json-ld", "microdata")}
    for candidate in candidates:
        weight = PRICE_WEIGHTS.get(candidate.evidence, 1.0) * (0.4 + 0.6 * candidate.match)
        weight *= OTHER_FORM if candidate.evidence in heard else 1.0  # one kind of evidence speaks once
        weight *= ASKED_FOR if candidate.is_asked_for else 1.0
        heard.add(candidate.evidence)
        for money, share, place in _moneys(candidate):
            amount = _as_shown(money.amount, by_amount, declared)
            votes[amount] = votes.get(amount, 0.0) + weight * share
            claims.append((amount, Claim(money, candidate.evidence, 0.0, place), money))
    if not votes or max(votes.values()) < MIN_VOTE:
        return PriceChoice(None, None, ())
    best = max(votes, key=lambda amount: (amount > 0, votes[amount]))
    total = sum(votes.values())
    confidence = min(0.99, votes[best] / (votes[best] + 0.5 * (total - votes[best]) + 1.0))
    seen = max((price for price in usable if price.amount == best), key=lambda price: price.score, default=None)
    own = [claim for amount, claim, _ in claims if amount == best]
    money = _money_of(best, own, seen, candidates)
    if seen is not None:
        own.append(Claim(money, "dom", 0.0, seen.place))
    winners = [Claim(money, claim.evidence, confidence, claim.place) for claim in own]
    losers = [
        Claim(claim.value, claim.evidence, min(0.9, votes[amount] / (total + 1)), claim.place)
        for amount, claim, _ in claims
        if amount != best
    ]
    losers += [
        Claim(Money(price.amount, price.currency, price.raw), "dom", min(0.9, price.score / (total + 1)), price.place)
        for price in usable[:5]
        if price.amount != best
    ]
    list_price, why = _list_price(best, money, candidates, shown, seen)
    return PriceChoice(money, list_price, (*winners[:4], *losers), why, seen.text if seen else None)


def _times(usable: Sequence[ShownPrice], amount: Decimal) -> int:
    return sum(price.amount == amount for price in usable)


def _moneys(candidate: Candidate) -> Iterable[tuple[Money, float, str]]:
    if candidate.price is not None:
        yield candidate.price, LOWEST if candidate.is_lowest else 1.0, "price"
    others = {money.amount: money for money in candidate.other_prices}
    for money in list(others.values())[:30]:
        if candidate.price is None or money.amount != candidate.price.amount:
            yield money, OTHER_FORM, "other offer"


def _as_shown(amount: Decimal, shown: dict[Decimal, float], declared: set[Decimal]) -> Decimal:
    """Return the amount, shown or declared, that one which nobody sees means when they differ by a slip of the unit."""
    if amount not in shown:
        for factor in _UNIT_SLIPS:
            if shown.get(amount * factor, 0.0) >= 3.0 or (factor < 1 and amount * factor in declared):
                return amount * factor
    return next((one for one in shown if one == amount), amount)


def _money_of(amount: Decimal, own: list[Claim], seen: ShownPrice | None, candidates: Sequence[Candidate]) -> Money:
    """Return an amount as money: its currency as shown with it, as marked up, else as the page's data says."""
    currencies = [seen.currency if seen else ""]
    currencies += [claim.value.currency for claim in own]
    currencies += [one.price.currency for one in candidates if one.price and one.match >= 0.5]
    raw = next((claim.value.raw for claim in own), "") or (seen.raw if seen else "")
    raw = seen.raw if seen and seen.currency else raw
    return Money(amount, next((currency for currency in currencies if currency), ""), raw[:200])


def _list_price(
    best: Decimal, money: Money, candidates: Sequence[Candidate], shown: Sequence[ShownPrice], seen: ShownPrice | None
) -> tuple[Money | None, Evidence | None]:
    if seen is not None and (old := list_price_beside(list(shown), seen)):
        return Money(old.amount, money.currency, old.raw[:200]), "dom"
    for candidate in candidates:
        if (
            candidate.list_price
            and candidate.list_price.amount > best
            and candidate.price
            and candidate.price.amount == best
        ):
            old_money = candidate.list_price
            return Money(old_money.amount, old_money.currency or money.currency, old_money.raw), candidate.evidence
    return None, None


def choose_availability(
    candidates: Sequence[Candidate], shown: ShownAvailability | None
) -> tuple[Availability | None, list[Claim]]:
    """Return the state that most evidence stands for; strong words on the page outweigh one markup."""
    votes: dict[Availability, float] = {}
    claims: list[Claim] = []
    for candidate in candidates:
        if candidate.availability:
            weight = STATE_WEIGHTS.get(candidate.evidence, 1.0) * (0.4 + 0.6 * candidate.match)
            weight *= ASKED_FOR if candidate.is_asked_for else 1.0
            votes[candidate.availability] = votes.get(candidate.availability, 0.0) + weight
            claims.append(Claim(candidate.availability, candidate.evidence, weight / 4, "availability"))
    if shown is not None:
        weight = 3.6 * shown.confidence
        votes[shown.value] = votes.get(shown.value, 0.0) + weight
        claims.append(Claim(shown.value, "dom", weight / 4, shown.place))
    if not votes:
        return None, []
    best = max(votes, key=lambda state: votes[state])
    confidence = min(0.99, votes[best] / (sum(votes.values()) + 0.4))
    won = [Claim(claim.value, claim.evidence, confidence, claim.place) for claim in claims if claim.value == best]
    return best, won + [claim for claim in claims if claim.value != best]


def choose_sku(
    candidates: Sequence[Candidate], labelled: Sequence[Labelled], shown_words: set[str], *, gtin: str
) -> list[Claim]:
    """Return the claims for the article's number, the surest first.

    A number that the page shows beside its label is the one that shop and buyer use; markup often carries an internal
    one, which is surest when the page shows it too.
    """
    claims: list[Claim] = []
    for candidate in candidates:
        # The ids of scripts are databases' own; those of markup are given to be read.
        is_given = candidate.evidence in ("json-ld", "microdata", "rdfa") and _is_plain_code(candidate.identity)
        code = candidate.sku or (candidate.identity if is_given else "")
        if not code:
            continue
        confidence = {"json-ld": 0.66, "microdata": 0.66, "rdfa": 0.6, "embedded-state": 0.5, "open-graph": 0.45}.get(
            candidate.evidence, 0.4
        ) * (0.5 + 0.5 * candidate.match)
        confidence -= 0.1 * (not candidate.sku)
        if code.lower() in shown_words:
            confidence += 0.3
        claims.append(Claim(code, candidate.evidence, round(confidence, 3), "sku"))
    makers = {candidate.mpn.lower() for candidate in candidates if candidate.mpn and candidate.mpn != candidate.sku}
    for one in labelled:
        confidence = one.confidence
        if one.value.lower() in makers and any(candidate.sku for candidate in candidates):
            confidence -= 0.3
        if gtin and re.sub(r"\D", "", one.value).lstrip("0") == gtin.lstrip("0"):
            confidence -= 0.2
        if re.search(r"model|part|style|symbol|indeks", one.label, re.IGNORECASE):
            confidence -= 0.15
        claims.append(Claim(one.value, "dom", round(confidence, 3), one.label))
    return _summed(claims)


def _summed(claims: list[Claim]) -> list[Claim]:
    """Return the claims, the surest first; those that agree lift one another a little."""
    totals: dict[str, float] = {}
    for claim in claims:
        key = str(claim.value).lower()
        totals[key] = max(totals.get(key, 0.0), claim.confidence) + (0.05 if key in totals else 0.0)
    return sorted(claims, key=lambda claim: (-totals[str(claim.value).lower()], -claim.confidence))


def _is_plain_code(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9][\w./-]{1,39}", text)) and any(sign.isdigit() for sign in text)


def choose_text(claims: Iterable[Claim]) -> list[Claim]:
    """Return the claims that say something, the surest first; equal ones in their order."""
    return sorted((claim for claim in claims if claim.value), key=lambda claim: -claim.confidence)


def claims_of(candidates: Sequence[Candidate], name: str) -> list[Claim]:
    """Return what the candidates claim for one of their text fields."""
    return [
        Claim(
            getattr(candidate, name),
            candidate.evidence,
            round(TEXT_CONFIDENCES.get(candidate.evidence, 0.5) * (0.5 + 0.5 * candidate.match), 3),
            name,
        )
        for candidate in candidates
    ]
