"""The rules on goods that may not be sold, by class.

A class is a word list under `words/prohibited/`, with these kinds of phrases:

    certain    name such goods and hardly anything else: rejected
    doubtful   may name them: for staff to look at; beside a word of `evidence`, certain
    evidence   measures and words that go with the goods, and hardly with what is only named after them
    named      names of what may be sold but not so, as "parrot": count, as certain, beside a word of `proof` ("live")
    proof      see there
    everyday   those of the certain and doubtful words that are everyday words of another language or trade ("port"):
               count only beside evidence or another word of the class, or where the title says nothing else
    harmless   phrases around these words that name something else: never counted
    denials    say, in title or description, that the goods are none ("alcohol free"; a sword of foam): nothing counts
    doubts     say that they may be none ("deactivated"): nothing is certain
    carriers   in a title, things that go with the goods but may be sold, a wine glass, a lighter: doubtful words
               count no more, and what is certain else is for staff to look at

`words/carriers.toml` lists what may show any goods (a poster, a novel); where the class has `carriers_spare = false`
only its `tellers` do, since shirts are copied and films are pornographic. What goods are for names no goods
("holster for rifles"). With `title_decides`, what a description mentions in passing is for staff.
`words/negations.toml` and `words/likeness.toml` list what takes a word back ("no tobacco", "tusk-shaped").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import KEPT, is_quoted, quoted, read
from qc.rules.wordlists import (
    Match,
    WordList,
    apart_from,
    matches_in,
    near,
    of_kind,
    overlapping,
    said,
    word_lists,
    words_for_patterns,
)

_FOLDER = "prohibited/"
# How many words evidence may stand from the word that it proves, in a description; in a title, anywhere.
_EVIDENCE_REACH = 8
_PROOF_REACH = 8
_NEGATION_REACH = 7
_NAMING = frozenset({"certain", "doubtful", "named"})
# A text that names goods more often says nothing else by it.
_MOST_NAMED = 100
_SMALL_WORDS = frozenset(words_for_patterns("offers", "small"))
_SELLING = frozenset(words_for_patterns("offers", "selling"))
_SELLING_REACH = 8
_HOLDING = frozenset(words_for_patterns("offers", "holding"))
_HOLDING_REACH = 6
# A word of these before a thing that goes with goods says that the goods are there too: "whisky with two glasses".
_TOGETHER = frozenset(words_for_patterns("offers", "together"))
_TOGETHER_REACH = 4
_PURPOSE = frozenset(words_for_patterns("offers", "purpose"))
_PURPOSE_AFTER = frozenset(words_for_patterns("offers", "purpose_after"))


@dataclass(frozen=True, slots=True)
class Offer:
    """Words that seem to offer goods of a class.

    Args:
        goods: the class, as sellers are told.
        field: where the words stand.
        words: as the seller wrote them.
        is_certain: whether they leave no doubt.
    """

    goods: str
    field: str
    words: str
    is_certain: bool


@rule(
    code="text.prohibited_goods",
    severity=Severity.REJECT,
    looks_at=("title", "description"),
    remedy="These goods may not be sold here. If it is something else, say so in other words.",
)
def goods_are_prohibited(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject goods that no marketplace may sell, where the words leave no doubt."""
    for offer in _offers(facts):
        if offer.is_certain:
            return Finding(offer.field, f"The {offer.field} offers {offer.goods}: {quoted(offer.words)}.")
    return None


@rule(
    code="text.possibly_prohibited_goods",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Our staff will look at it. If it is something else, say so in other words.",
)
def goods_may_be_prohibited(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag words that often, but not always, name prohibited goods."""
    offers = list(_offers(facts))
    if not offers or any(it.is_certain for it in offers):
        return None  # what is certain is the other rule's
    return Finding(offers[0].field, f"The {offers[0].field} may offer {offers[0].goods}: {quoted(offers[0].words)}.")


@cache
def _classes() -> tuple[WordList, ...]:
    return tuple(it for name, it in word_lists().items() if name.startswith(_FOLDER))


def _offers(facts: ProductFacts) -> Iterator[Offer]:
    named = _classes_named(facts.title) | _classes_named(facts.description)
    for goods in _classes() if named else ():
        if goods.name in named:
            yield from _offers_of(goods, facts)


@lru_cache(maxsize=KEPT)
def _classes_named(text: str) -> frozenset[str]:
    """Return the classes of which a text names goods; most texts say only what may go with some."""
    return frozenset(
        name
        for name, its in matches_in(text).items()
        if name.startswith(_FOLDER) and any(it.kind in _NAMING for it in its)
    )


def _offers_of(goods: WordList, facts: ProductFacts) -> Iterator[Offer]:
    if _says(goods.name, "denials", facts):
        return
    is_doubted = _says(goods.name, "doubts", facts)
    for offer in _offers_named(goods, facts):
        yield replace(offer, is_certain=False) if is_doubted else offer


def _says(name: str, kind: str, facts: ProductFacts) -> bool:
    """Tell whether title or description says anything of a kind about a class, and does not take it back."""
    return any(
        not _is_taken_back(it, _negations(text), read(text).tokens)
        for text in (facts.title, facts.description)
        for it in of_kind(text, name, kind)[:_MOST_NAMED]
    )


def _offers_named(goods: WordList, facts: ProductFacts) -> Iterator[Offer]:
    counted = _counted(goods.name, facts.title, beside=facts.description)[:_MOST_NAMED]
    named = _without_purposes(counted, read(facts.title).tokens)
    named = [it for it in named if not _is_printed(it, facts.title)]
    carriers = _carriers(goods, facts.title, named)
    # The "water" of a water gun says nothing of what else is offered.
    own = apart_from([it for it in carriers if it.name == goods.name], of_kind(facts.title, goods.name, "harmless"))
    apart = [it for it in carriers if it.name != goods.name or it in own]
    tokens = read(facts.title).tokens
    shows_any = any(it.name != goods.name for it in apart if not _is_added(it, named, tokens))  # a poster, a novel
    is_alone = all(_is_added(it, named, tokens) for it in carriers)
    for match in named if not shows_any else ():
        if match.kind == "certain" or is_alone:
            is_clear = not _is_everyday(goods.name, match, facts.title) or _names_surely(goods.name, facts.description)
            is_proved = is_clear and _is_proved(goods.name, match, facts)
            is_known = is_proved or match.kind == "named"  # which is named only beside its proof
            is_certain = is_known if apart and is_alone else not apart and (is_known or match.kind == "certain")
            yield Offer(goods.title, "title", said(facts.title, match), is_certain)
    for match in _counted(goods.name, facts.description, beside=facts.title)[:_MOST_NAMED]:
        offer = _offer_in_description(goods, match, facts, is_named=bool(named), is_carried=bool(apart))
        if shows_any and not (offer is not None and _is_sold(match, facts) and match.kind != "doubtful"):
            continue  # a novel tells of much; what the description says that it sells is another thing
        if offer is not None and (offer.is_certain or match.kind != "doubtful" or is_alone):
            yield offer


def _offer_in_description(
    goods: WordList, match: Match, facts: ProductFacts, *, is_named: bool, is_carried: bool
) -> Offer | None:
    """Weigh words of a description: whether they name what is sold, or only what goes with it."""
    before = read(facts.description).tokens[: match.first]
    is_sold = _is_sold(match, facts)
    is_proved = _has_evidence_near(goods.name, match, facts.description)
    is_meant = is_sold or is_proved or (len(before) < 3 and _SMALL_WORDS.issuperset(before))
    if not is_meant and not _HOLDING.isdisjoint(before[-_HOLDING_REACH:]):
        return None
    # A name beside its proof means what is sold where the title names such a thing, too.
    if not is_meant and match.kind != "certain" and not (match.kind == "named" and _names_any(goods.name, facts.title)):
        return None
    if match.kind == "doubtful":
        is_certain = is_sold and is_proved
    else:
        is_certain = is_sold or (not is_carried and (is_meant or is_named or not goods.title_decides))
    return Offer(goods.title, "description", said(facts.description, match), is_certain)


def _names_any(name: str, title: str) -> bool:
    return bool(of_kind(title, name, "named"))


def _is_sold(match: Match, facts: ProductFacts) -> bool:
    """Tell whether words of selling stand before a word of the description."""
    before = read(facts.description).tokens[max(0, match.first - _SELLING_REACH) : match.first]
    return not _SELLING.isdisjoint(before)


def _counted(name: str, text: str, *, beside: str) -> list[Match]:
    """List what a text says of a class, without what is harmless, taken back, or means something else every day."""
    matches = matches_in(text)
    its = matches.get(name, ())
    harmless = of_kind(text, name, "harmless")
    takings = sorted((*_negations(text), *matches.get("likeness", ())), key=lambda it: it.first)
    named = [
        it
        for it in its
        if it.kind in ("certain", "doubtful")
        and not any(not _is_part(other, it) for other in overlapping(it, harmless))
    ]
    if named and takings:
        tokens = read(text).tokens
        named = [it for it in named if not _is_taken_back(it, takings, tokens)]
    return _meant(name, named, text, beside=beside) + _proved_beside(name, text)


def _meant(name: str, named: list[Match], text: str, *, beside: str) -> list[Match]:
    """Leave out the everyday words that nothing near them, nor in the other text, says to be goods of the class."""
    sure = [it for it in named if not _is_everyday(name, it, text)]
    if len(sure) == len(named) or any(it.first < 2 * _EVIDENCE_REACH for it in _evidence(name, beside)):
        return named
    if _names_surely(name, beside):
        return named
    signs = sorted((*sure, *_evidence(name, text)), key=lambda it: it.first)
    tokens = read(text).tokens
    certain = set(sure)
    return [it for it in named if it in certain or any(near(it, signs, reach=_PROOF_REACH)) or _is_all(it, tokens)]


def _names_surely(name: str, text: str) -> bool:
    """Tell whether a text has a word of the class that is no everyday word."""
    its = (it for it in matches_in(text).get(name, ()) if it.kind in ("certain", "doubtful"))
    return any(not _is_everyday(name, it, text) for it in its)


def _is_everyday(name: str, match: Match, text: str) -> bool:
    """Tell whether just these words are everyday words of another language or trade."""
    return (match.first, match.last) in _everyday(name, text)


@lru_cache(maxsize=KEPT)
def _everyday(name: str, text: str) -> frozenset[tuple[int, int]]:
    return frozenset((it.first, it.last) for it in of_kind(text, name, "everyday"))


def _is_all(match: Match, tokens: tuple[str, ...]) -> bool:
    """Tell whether a text says nothing but some words, and numbers."""
    rest = (*tokens[: match.first], *tokens[match.last + 1 :])
    return not any(it.isalpha() for it in rest)


def _negations(text: str) -> tuple[Match, ...]:
    return matches_in(text).get("negations", ())


def _is_part(one: Match, other: Match) -> bool:
    """Tell whether a match is only a part of another, and so says less: "of rum" in "bottle of rum"."""
    return other.first <= one.first and one.last <= other.last and other.last - other.first > one.last - one.first


def _proved_beside(name: str, text: str) -> list[Match]:
    """List the names of what may be sold but not so, where words near them say that it is so."""
    harmless = of_kind(text, name, "harmless")
    names = apart_from(of_kind(text, name, "named"), harmless)
    proofs = apart_from(of_kind(text, name, "proof"), harmless) if names else []
    if proofs:
        tokens = read(text).tokens
        proofs = [it for it in proofs if not _is_taken_back(it, _negations(text), tokens)]
    return [it for it in names if any(near(it, proofs, reach=_PROOF_REACH))]


def _without_purposes(named: list[Match], tokens: tuple[str, ...]) -> list[Match]:
    """Leave out what a title names only as what its thing is for, unless the thing is of the class itself."""
    kept: list[Match] = []
    for match in sorted(named, key=lambda it: it.first):
        if any(it.last < match.first for it in kept) or not _is_purpose(match, tokens):
            kept.append(match)
    return kept


def _is_purpose(match: Match, tokens: tuple[str, ...]) -> bool:
    before = match.first - 1
    while before > 0 and tokens[before] in _SMALL_WORDS and tokens[before] not in _PURPOSE:
        before -= 1
    after = tokens[match.last + 1] if match.last + 1 < len(tokens) else ""
    return after in _PURPOSE_AFTER or (before > 0 and tokens[before] in _PURPOSE)


def _is_printed(match: Match, title: str) -> bool:
    """Tell whether words stand in quotation marks on a thing that shows some: a mug that says them."""
    reading = read(title)
    return bool(matches_in(title).get("carriers")) and is_quoted(reading, reading.span(match.first, match.last))


def _is_added(carrier: Match, named: list[Match], tokens: tuple[str, ...]) -> bool:
    """Tell whether a thing comes with goods that are named before it."""
    before = tokens[max(0, carrier.first - _TOGETHER_REACH) : carrier.first]
    return not _TOGETHER.isdisjoint(before) and any(it.last < carrier.first for it in named)


def _is_taken_back(match: Match, negations: Sequence[Match], tokens: tuple[str, ...]) -> bool:
    before = match.first - 1
    while before >= 0 and tokens[before] in _SMALL_WORDS:
        before -= 1
    return any(
        it.first > match.first - _NEGATION_REACH and it.last in (before, match.first - 1)
        if it.kind == "before"
        else it.first == match.last + 1 or (it.name == "likeness" and it.first == match.last + 2)
        for it in near(match, negations, reach=_NEGATION_REACH)
    )


def _carriers(goods: WordList, title: str, named: list[Match]) -> list[Match]:
    """List what in a title goes with such goods, or shows them, and may be sold; the words of the goods are none."""
    matches = matches_in(title)
    its = matches.get(goods.name, ())
    carriers = [it for it in its if it.kind == "carriers"]
    carriers.extend(it for it in matches.get("carriers", ()) if goods.carriers_spare or it.kind == "tellers")
    # "Two magazines", "50 g pouch": words that prove the goods are no things that go with them.
    meant = [*named, *(it for it in its if it.kind == "evidence" and it.last > it.first)]
    return apart_from(carriers, meant)


def _is_proved(name: str, match: Match, facts: ProductFacts) -> bool:
    """Tell whether title or the description's beginning says of a doubtful word in the title that it is meant."""
    in_title, in_description = _evidence(name, facts.title), _evidence(name, facts.description)
    return any(not it.overlaps(match) for it in in_title) or any(
        it.first < 2 * _EVIDENCE_REACH for it in in_description
    )


@lru_cache(maxsize=KEPT)
def _evidence(name: str, text: str) -> tuple[Match, ...]:
    return tuple(of_kind(text, name, "evidence", unless="harmless"))


def _has_evidence_near(name: str, match: Match, text: str) -> bool:
    return any(near(match, _evidence(name, text), reach=_EVIDENCE_REACH))


RULES = (goods_are_prohibited, goods_may_be_prohibited)
