"""Labelled listings for the rules of quality control: one JSON object a line, and what a rule should say of it.

`blind/` was written from what the rules mean, before anyone who wrote it saw their code; `seen/` by those who did.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

Origin = Literal["blind", "seen"]

ROOT: Final = Path(__file__).parent
KEYS: Final = frozenset({"rule", "expect", "lang", "facts"})
# What a line may say of a listing; what it does not say is as in the default one (a lamp in good order).
FACTS: Final = frozenset(
    {
        "title", "description", "price", "currency", "list_price", "brand", "gtin", "sku", "shop_language",
        "category_path", "availability", "seller_phone", "not_carried", "duplicate_of", "same_picture_as",
        "similar_picture_as", "same_gtin_as", "same_sku_as", "same_offer_as", "category_prices", "pictures",
    }
)  # fmt: skip
NOT_CARRIED: Final = frozenset({"price", "pictures", "description", "currency", "categories"})


class MisshapenCase(ValueError):
    """A labelled line is not what it should be; the message begins with its file and line."""


@dataclass(frozen=True)
class Case:
    """One listing, and whether one rule should say something about it."""

    rule: str
    expects: bool
    language: str  # ISO 639-1, "" where no language matters
    facts: Mapping[str, Any]
    origin: Origin
    place: str  # "text_title.jsonl:12"


def load(origin: Origin, *, rules: frozenset[str] | None = None) -> list[Case]:
    """Read all cases of an origin, in the order of file and line; none where it has no folder yet.

    Raises:
        MisshapenCase: a line is no JSON, has other keys than it should, names a rule that is not in `rules`
            (where given), or says again what an earlier line said.
    """
    cases: list[Case] = []
    places: dict[tuple[str, str], str] = {}
    for place, line in _lines(ROOT / origin):
        case = _case(line, origin=origin, place=place)
        if rules is not None and case.rule not in rules:
            raise MisshapenCase(f"{place}: no rule is called {case.rule!r}")
        said = (case.rule, json.dumps(case.facts, sort_keys=True))
        if said in places:
            raise MisshapenCase(f"{place}: the same listing for the same rule as at {places[said]}")
        places[said] = place
        cases.append(case)
    return cases


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        # Not splitlines: a listing may hold U+2028 and its like.
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                yield f"{path.name}:{number}", line


def _case(line: str, *, origin: Origin, place: str) -> Case:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise MisshapenCase(f"{place}: no JSON: {error}") from error
    if not isinstance(said, dict) or set(said) != KEYS:
        raise MisshapenCase(f"{place}: an object with exactly the keys {', '.join(sorted(KEYS))} is wanted")
    if not isinstance(said["rule"], str) or "." not in said["rule"]:
        raise MisshapenCase(f"{place}: rule is no code such as 'text.link'")
    if not isinstance(said["expect"], bool):
        raise MisshapenCase(f"{place}: expect is neither true nor false")
    if not isinstance(said["lang"], str) or len(said["lang"]) not in (0, 2):
        raise MisshapenCase(f"{place}: lang is no code of two letters")
    _check_facts(said["facts"], place=place)
    return Case(
        rule=said["rule"],
        expects=said["expect"],
        language=said["lang"],
        facts=said["facts"],
        origin=origin,
        place=place,
    )


def _check_facts(facts: object, *, place: str) -> None:
    if not isinstance(facts, dict):
        raise MisshapenCase(f"{place}: facts is no object")
    if unknown := set(facts) - FACTS:
        raise MisshapenCase(f"{place}: unknown facts: {', '.join(sorted(unknown))}")
    if unknown := set(facts.get("not_carried", ())) - NOT_CARRIED:
        raise MisshapenCase(f"{place}: unknown fields in not_carried: {', '.join(sorted(unknown))}")
    pictures = facts.get("pictures", [])
    if not isinstance(pictures, list) or not all(isinstance(picture, dict) for picture in pictures):
        raise MisshapenCase(f"{place}: pictures is no list of objects")
    for picture in pictures:
        if "draw" in picture and set(picture) != {"draw"}:
            raise MisshapenCase(f"{place}: a picture is drawn or told, not both")
