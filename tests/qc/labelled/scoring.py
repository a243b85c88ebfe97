"""How well the rules do on labelled listings: precision and recall of each, and whom they reject wrongly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from json import dumps, loads
from typing import Any

from catalog.pictures import MAX_BYTES, MAX_PIXELS, OversizedPicture, UnusablePicture, render_picture
from qc.rules.contract import CategoryPrices, PictureFacts, ProductFacts, Reason, Severity
from qc.rules.ruleset import STANDARD, Ruleset
from tests.qc.labelled.cases import Case
from tests.qc.labelled.drawing import draw
from tests.qc.labelled.sketches import sketch

LEAST_PRECISION, LEAST_RECALL = 0.95, 0.90

_FINE: dict[str, Any] = {
    "title": "Red table lamp",
    "description": "A lamp of brass and linen, 40 cm high.",
    "price": "49.90",
    "currency": "EUR",
    "category_path": "Home > Lamps",
    "pictures": [{"width_px": 1000, "height_px": 1000, "size_bytes": 120000}],
}
_AMOUNTS = ("price", "list_price")


@dataclass(slots=True)
class Score:
    """How one rule did; the places of the labels that it missed, and of those where it was wrong."""

    rule: str
    right: int = 0
    passed: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what the rule found, the share that is so."""
        found = self.right + len(self.wrong)
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """Of what the rule should find, the share that it found."""
        wanted = self.right + len(self.missed)
        return self.right / wanted if wanted else 1.0

    @property
    def is_met(self) -> bool:
        """Whether both are as high as we hold ourselves to."""
        return self.precision >= LEAST_PRECISION and self.recall >= LEAST_RECALL


@dataclass(frozen=True, slots=True)
class Scores:
    """How all rules did on one set of labels; false_rejects says which sound listing is rejected, and by what."""

    rules: Mapping[str, Score]
    false_rejects: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether every rule did as we hold ourselves to, and no sound listing was rejected."""
        return not self.false_rejects and all(it.is_met for it in self.rules.values())


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled listing, and what the rules say against it."""

    case: Case
    reasons: tuple[Reason, ...]


def judge(cases: Iterable[Case], *, ruleset: Ruleset = STANDARD) -> list[Judged]:
    """Let the rules judge labelled listings."""
    return [Judged(it, tuple(ruleset.reasons_against(facts_of_case(it)))) for it in cases]


def score(judged: Iterable[Judged]) -> Scores:
    """Compare what the rules say with what the labels do."""
    scores: dict[str, Score] = {}
    rejects: list[str] = []
    for it in judged:
        own = scores.setdefault(it.case.rule, Score(it.case.rule))
        _count(own, it.case, is_found=any(reason.code == it.case.rule for reason in it.reasons))
        codes = [reason.code for reason in it.reasons if reason.severity is Severity.REJECT]
        if codes and not it.case.expects:
            rejects.append(f"{it.case.place}: {', '.join(codes)}")
    return Scores(dict(sorted(scores.items())), tuple(rejects))


def _count(score: Score, case: Case, *, is_found: bool) -> None:
    if is_found and case.expects:
        score.right += 1
    elif is_found:
        score.wrong.append(case.place)
    elif case.expects:
        score.missed.append(case.place)
    else:
        score.passed += 1


def labels_of(cases: Iterable[Case]) -> dict[str, tuple[int, int]]:
    """Count the labels of each rule: what it should find, and what it should pass."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case in cases:
        counted[case.rule][0 if case.expects else 1] += 1
    return {rule: (wanted, passed) for rule, (wanted, passed) in counted.items()}


def facts_of_case(case: Case) -> ProductFacts:
    """Return the facts of a labelled listing: the default one with what the label says.

    Pictures that the label draws go through the product's own reader, and are measured by it.
    """
    told = {**_FINE, **case.facts}
    for name in _AMOUNTS:
        told[name] = Decimal(told[name]) if told.get(name) else None
    told["pictures"] = tuple(_picture(it) for it in told["pictures"])
    told["not_carried"] = tuple(told.get("not_carried", ()))
    if level := told.get("category_prices"):
        told["category_prices"] = CategoryPrices(Decimal(level["median"]), level["log_spread"], level["count"])
    return ProductFacts(**told)


def _picture(told: Mapping[str, Any]) -> PictureFacts:
    if "draw" in told or "sketch" in told:
        return _drawn(dumps(told, sort_keys=True))
    it = PictureFacts(**told)
    if it.size_bytes > MAX_BYTES or it.width_px * it.height_px > MAX_PIXELS:  # as the reader says it
        return PictureFacts(error_code=OversizedPicture.code)
    return it


@cache
def _drawn(told: str) -> PictureFacts:
    data = _bytes_of(loads(told))
    try:
        it = render_picture(data)
    except UnusablePicture as error:
        return PictureFacts(error_code=error.code, size_bytes=len(data))
    return PictureFacts(
        width_px=it.width_px,
        height_px=it.height_px,
        size_bytes=it.size_bytes,
        media_type=it.media_type,
        sha256=it.sha256,
        sharpness=it.measures.sharpness,
        contrast=it.measures.contrast,
        frame_share=it.measures.frame_share,
        is_animated=it.is_animated,
    )


def _bytes_of(told: Mapping[str, Any]) -> bytes:
    return sketch(told["sketch"]) if "sketch" in told else draw(told["draw"])
