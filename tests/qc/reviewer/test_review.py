"""What a review amounts to: it adds reasons, rejects only what it is sure of, and takes nothing away."""

from typing import Any

import pytest

from jobs.errors import JobError
from marketplace.gemini.errors import (
    GeminiAnswerBlocked,
    GeminiAnswerCut,
    GeminiBadAnswer,
    GeminiBadRequest,
    GeminiBudgetUsed,
    GeminiKeyRefused,
    GeminiOffSchema,
    GeminiPromptBlocked,
    GeminiTimeout,
)
from qc.reviewer.complaints import KINDS
from qc.reviewer.review import Complaint, DecoyPassed, Outcome, Review, review_from, review_without_answer
from qc.rules.contract import ProductFacts
from qc.rules.ruleset import STANDARD
from qc.verdicts import judge, reviewed


def review(*kinds: str, decision: str = "approve", confidence: float = 0.95, **fields: Any) -> Review:
    complaints = tuple(Complaint(kind, "title", "It is so.", "Change it.") for kind in kinds)
    return Review(Outcome.ANSWERED, decision=decision, confidence=confidence, complaints=complaints, **fields)


def severities(given: Review) -> dict[str, str]:
    return {it.code: it.severity.value for it in given.reasons}


@pytest.mark.parametrize(
    ("given", "amounts_to"),
    [
        (review(), {}),
        (review("picture_quality"), {"review.picture_quality": "advise"}),
        (review("prohibited_goods", decision="reject"), {"review.prohibited_goods": "reject"}),
        (review("prohibited_goods", decision="reject", confidence=0.89), {"review.prohibited_goods": "flag"}),
        (review("prohibited_goods", decision="flag"), {"review.prohibited_goods": "flag"}),
        (review("prohibited_goods", decision="approve"), {"review.prohibited_goods": "flag"}),
        (review("counterfeit", decision="reject", confidence=1.0), {"review.counterfeit": "flag"}),
        (review(decision="reject"), {"review.unclear": "flag"}),
        (review(decision="flag"), {"review.unclear": "flag"}),
        (
            review("picture_text", decision="flag"),
            {"review.picture_text": "advise", "review.unclear": "flag"},
        ),
    ],
)
def test_what_a_review_amounts_to(given: Review, amounts_to: dict[str, str]) -> None:
    assert severities(given) == amounts_to


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (GeminiPromptBlocked(), "review.blocked", Outcome.UNUSABLE),
        (GeminiAnswerBlocked(), "review.blocked", Outcome.UNUSABLE),
        (GeminiAnswerCut(), "review.unreadable", Outcome.UNUSABLE),
        (GeminiBadRequest(), "review.unreadable", Outcome.UNUSABLE),
        (GeminiOffSchema(), "review.unreadable", Outcome.UNUSABLE),
        (DecoyPassed(), "review.not_trusted", Outcome.UNUSABLE),
        (GeminiBudgetUsed(), "review.budget_used", Outcome.MISSING),
        (GeminiKeyRefused(), "review.unavailable", Outcome.MISSING),
        (GeminiTimeout(), "review.unavailable", Outcome.MISSING),
        (GeminiBadAnswer(), "review.unavailable", Outcome.MISSING),
    ],
)
def test_no_answer_is_never_an_approval(error: JobError, code: str, outcome: Outcome) -> None:
    given = review_without_answer(error)

    assert severities(given) == {code: "flag"}
    assert given.outcome is outcome
    assert bool(given.model) is (outcome is Outcome.UNUSABLE)  # what has no model is asked again


def test_the_reviewer_takes_nothing_away_from_the_rules() -> None:
    rejected = judge(ProductFacts(title="Lamp"), ruleset=STANDARD)

    after = reviewed(rejected, review("picture_quality", model="m", prompt_version="1"))

    assert after.decision == "rejected"
    assert [it.code for it in after.reasons] == [*(it.code for it in rejected.reasons), "review.picture_quality"]
    assert (after.model, after.prompt_version) == ("m", "1")


def test_a_review_comes_back_from_where_it_is_kept(settings: Any) -> None:
    settings.GEMINI_MODEL = "m"
    for given in (
        review("counterfeit", "other", decision="flag", shows="a bag", model="m", prompt_version="1"),
        review_without_answer(GeminiPromptBlocked()),
    ):
        assert review_from(given.as_json()) == given
    assert review_from({}) is None
    assert review_from({"outcome": "odd"}) is None


def test_every_kind_has_words_for_its_seller() -> None:
    for kind in KINDS.values():
        (reason,) = Review(
            Outcome.ANSWERED, decision="approve", complaints=(Complaint(kind.name, "title", "", ""),)
        ).reasons
        assert reason.message
        assert reason.remedy
