"""The rules on goods that may not be sold, by class."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule


@dataclass(frozen=True, slots=True)
class GoodsClass:
    """One class of prohibited goods.

    Args:
        name: as the seller is told.
        certain: words that name such goods and hardly anything else: rejected.
        doubtful: words that may: flagged, for staff to look at.
        harmless: phrases around these words that name something else: never counted.
    """

    name: str
    certain: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()


# Source of the classes: Meta Commerce Policies, "Prohibited content". Words are regular expressions.
CLASSES = (
    GoodsClass(
        name="weapons and ammunition",
        certain=(
            r"hand\s?guns?",
            r"fire\s?arms?",
            r"shot\s?guns?",
            r"machine\s?guns?",
            r"assault rifles?",
            r"(?:bolt[- ]action|hunting|sniper|semi[- ]automatic) (?:rifles?|pistols?)",
            r"ammunition",
            r"hand grenades?",
            r"explosives?",
            r"gun silencers?",
            r"brass knuckles",
            r"(?:pepper|mace) sprays?",
            r"stun guns?",
            r"tasers?",
        ),
        doubtful=(
            r"guns?",
            r"pistols?",
            r"rifles?",
            r"revolvers?",
            r"ammo",
            r"daggers?",
            r"switchblades?",
            r"machetes?",
        ),
        harmless=(
            (
                r"(?:water|toy|nerf|glue|heat|hot[- ]glue|spray|nail|staple|massage|caulking|caulk|grease|price"
                r"|labell?ing|tagging|bubble|foam|laser tag|tattoo|soldering|sealant|paint|airbrush|cap|pop|sand|light"
                r"|screw)[- ](?:guns?|pistols?|rifles?)"
            ),
            r"gun\s?metal(?: gr[ae]y)?",
            r"top gun",
            r"guns n['’]? roses",
            r"(?:anti|non)[- ]explosives?",
            r"revolver (?:punch|chair|tray|head)",
            r"dagger (?:earrings?|pendants?|pins?|collars?)",
        ),
    ),
    GoodsClass(
        name="drugs",
        certain=(
            r"cocaine",
            r"heroin",
            r"fentanyl",
            r"(?:crystal )?meth(?:amphetamine)?",
            r"mdma",
            r"lsd (?:blotters?|tabs?|trips?)",
            r"ketamine",
            r"marijuana",
            r"cannabis (?:buds?|flowers?|resin|edibles?)",
            r"hashish",
            r"magic mushrooms?",
            r"oxycodone",
            r"(?:xanax|tramadol|adderall|viagra|ozempic)(?: pills?| tablets?)?",
        ),
        doubtful=(r"cannabis", r"weed", r"ecstasy", r"opium", r"steroids?", r"kratom"),
        harmless=(
            r"weed (?:killers?|barriers?|pullers?|control|mats?|trimmers?|eaters?|wackers?|membranes?|fabric|brush)",
            r"(?:sea|tumble|knot|milk)[- ]?weeds?",
            r"cannabis (?:free|leaf (?:print|socks?|motif))",
            r"drug[- ]free",
            r"steroid[- ]free",
            r"black opium",
        ),
    ),
    GoodsClass(
        name="tobacco and vapes",
        certain=(
            r"cigarettes?",
            r"e[- ]?cigarettes?",
            r"disposable vapes?",
            r"(?:chewing|pipe|rolling) tobacco",
            r"snus",
        ),
        doubtful=(r"tobacco", r"cigars?", r"vapes?", r"vaping", r"nicotine", r"shisha"),
        harmless=(
            r"cigarettes? (?:pants|trousers|jeans|skirts?|lighters?|cases?|holders?|sockets?|ashtrays?)",
            r"cigarette[- ]lighter (?:sockets?|adapters?|plugs?|chargers?)",
            r"(?:no|non|anti)[- ]tobacco",
            r"tobacco (?:brown|colou?r|leather|vanill?e|suede|tan)",
            r"cigar (?:boxes|box|cutters?|cases?|tables?|chairs?|ashtrays?)",
            r"nicotine[- ]free",
        ),
    ),
    GoodsClass(
        name="alcohol",
        certain=(
            r"(?:bottles?|cases?|crates?|litres?|liters?) of (?:wine|whiske?y|vodka|rum|gin|beer|tequila|champagne)",
            r"single malt whiske?y",
            r"moonshine liquor",
        ),
        doubtful=(r"vodka", r"whiske?y", r"tequila", r"brandy", r"liquor"),
        harmless=(
            (
                r"(?:vodka|whiske?y|tequila|brandy|liquor|shot)[- ](?:glass(?:es)?|stones?|decanters?|tumblers?"
                r"|sets?|cabinets?|flasks?|barrels?|dispensers?|bottles? (?:stoppers?|openers?|holders?))"
            ),
        ),
    ),
    GoodsClass(
        name="counterfeits",
        certain=(
            r"counterfeit",
            r"(?:1:1|aaa\+*|mirror|super) (?:replicas?|cop(?:y|ies))",
            r"fake (?:designer|brand(?:ed)?)",
        ),
        harmless=(r"(?:anti[- ]?)counterfeit(?:ing)?", r"counterfeit (?:money )?(?:detectors?|pens?)"),
    ),
    GoodsClass(
        name="live animals and protected species",
        certain=(
            r"ivory tusks?",
            r"rhino(?:ceros)? horns?",
            r"tiger (?:skins?|bones?)",
            r"shark fins?",
            r"live (?:puppies|kittens|parrots?)",
        ),
    ),
    GoodsClass(
        name="money, accounts and documents",
        certain=(
            r"(?:cloned|stolen) (?:credit )?cards?",
            r"fake (?:passports?|ids?|id cards?|driving licen[cs]es?|diplomas?)",
            r"hacked (?:accounts?|netflix|spotify)",
            r"counterfeit (?:money|bank\s?notes|bills)",
        ),
    ),
)


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(words)
    return re.compile(rf"\b(?:{joined})\b", re.IGNORECASE) if joined else None


_COMPILED = tuple((it, _pattern(it.certain), _pattern(it.doubtful), _pattern(it.harmless)) for it in CLASSES)


@rule(
    code="text.prohibited_goods",
    severity=Severity.REJECT,
    looks_at=("title", "description"),
    remedy="These goods may not be sold here. If it is something else, say so in other words.",
)
def goods_are_prohibited(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject goods that no marketplace may sell, where the words leave no doubt."""
    for goods, certain, _, harmless in _COMPILED:
        found = _first(certain, harmless, facts)
        if found is not None:
            field, word = found
            return Finding(field, f"The {field} offers {goods.name}: “{word}”.")
    return None


@rule(
    code="text.possibly_prohibited_goods",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Our staff will look at it. If it is something else, say so in other words.",
)
def goods_may_be_prohibited(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag words that often, but not always, name prohibited goods."""
    for goods, _, doubtful, harmless in _COMPILED:
        found = _first(doubtful, harmless, facts)
        if found is not None:
            field, word = found
            return Finding(field, f"The {field} may offer {goods.name}: “{word}”.")
    return None


def _first(
    wanted: re.Pattern[str] | None, harmless: re.Pattern[str] | None, facts: ProductFacts
) -> tuple[str, str] | None:
    """Return field and word of the first match that is no part of a harmless phrase."""
    if wanted is None:
        return None
    for field, text in facts.texts:
        rest = harmless.sub(" · ", text) if harmless is not None else text
        match = wanted.search(rest)
        if match is not None:
            return field, match.group()
    return None


RULES = (goods_are_prohibited, goods_may_be_prohibited)
