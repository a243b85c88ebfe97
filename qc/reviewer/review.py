"""What came of asking the reviewer about a product, and what it amounts to.

The policy: the reviewer adds reasons and takes none away. What it is sure of and may reject, it rejects; all else that
it has against a product waits for staff, or is advice. A product that it should have seen and did not see well waits.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings

from jobs.errors import JobError, PermanentError
from marketplace.gemini.errors import (
    GeminiAnswerBlocked,
    GeminiBadRequest,
    GeminiBudgetUsed,
    GeminiOffSchema,
    GeminiPromptBlocked,
    UnusableAnswer,
)
from qc.reviewer.complaints import KINDS
from qc.rules.contract import Reason, Severity

# Grows with each change of what is asked: what was answered to another version is not reused.
PROMPT_VERSION = "1"
# From here on the reviewer's reject is one. Not calibrated: no answers of the real model were at hand; it is chosen so
# that a doubt goes to staff.
SURE = 0.9
# Rules whose finding means that the model's opinion is worth nothing: it is not asked.
DISTRUSTED = frozenset({"text.instructs_reviewer"})

UNAVAILABLE, BUDGET_USED = "review.unavailable", "review.budget_used"
# Reasons with which a product waits for the reviewer, not for staff: it is asked again.
WAITING = (UNAVAILABLE, BUDGET_USED)
_LATER = "Nothing on your side; the check is made up for as soon as it can be."
_BY_STAFF = "Nothing on your side; our staff will look at it."
_TROUBLE: Mapping[str, tuple[str, str]] = {
    UNAVAILABLE: ("The automatic check is not available at the moment.", _LATER),
    BUDGET_USED: ("Today's automatic checks are used up.", _LATER),
    "review.blocked": ("The automatic check refuses to look at the product.", _BY_STAFF),
    "review.unreadable": ("The automatic check gave no clear answer.", _BY_STAFF),
    "review.not_trusted": ("The automatic check of the product cannot be relied on.", _BY_STAFF),
    "review.unclear": ("The automatic check has doubts about the product.", _BY_STAFF),
}


class DecoyPassed(PermanentError):
    """The reviewer let pass what it must not: something in the call has told it to."""

    code = "review.decoy_passed"


class Outcome(StrEnum):
    """How far the question came."""

    ANSWERED = "answered"
    UNUSABLE = "unusable"  # and would be the next time: staff decides
    MISSING = "missing"  # not answered, and asked again later


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the reviewer has against a product."""

    kind: str
    field: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """What came of one question; `model` is empty where nothing did."""

    outcome: Outcome
    decision: str = ""
    confidence: float = 0.0
    shows: str = ""  # what the pictures show
    complaints: tuple[Complaint, ...] = ()
    error_code: str = ""
    model: str = ""
    prompt_version: str = ""

    @property
    def reasons(self) -> list[Reason]:
        """What it amounts to."""
        if self.outcome is not Outcome.ANSWERED:
            return [_trouble(_code_of_trouble(self.error_code, self.outcome))]
        reasons = [self._reason(it) for it in self.complaints]
        if self.decision != "approve" and not any(it.severity is not Severity.ADVISE for it in reasons):
            reasons.append(_trouble("review.unclear"))
        return reasons

    def _reason(self, complaint: Complaint) -> Reason:
        kind = KINDS[complaint.kind]
        severity = kind.most
        if severity is Severity.REJECT and (self.decision != "reject" or self.confidence < SURE):
            severity = Severity.FLAG
        return Reason(
            code=kind.code,
            severity=severity,
            field=complaint.field,
            message=complaint.message or kind.meaning,
            remedy=complaint.remedy or kind.remedy,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the form in which verdicts and the cache keep it."""
        if self.outcome is not Outcome.ANSWERED:
            return {"outcome": self.outcome.value, "error_code": self.error_code}
        return {
            "outcome": self.outcome.value,
            "decision": self.decision,
            "confidence": self.confidence,
            "shows": self.shows,
            "complaints": [
                {"kind": it.kind, "field": it.field, "message": it.message, "remedy": it.remedy}
                for it in self.complaints
            ],
        }


def review_from(stored: Mapping[str, Any]) -> Review | None:
    """Return what as_json returned, for the model and the prompt of now; None for what is none."""
    try:
        return Review(
            outcome=Outcome(stored["outcome"]),
            decision=stored.get("decision", ""),
            confidence=float(stored.get("confidence", 0.0)),
            shows=stored.get("shows", ""),
            complaints=tuple(Complaint(**it) for it in stored.get("complaints", []) if it["kind"] in KINDS),
            error_code=stored.get("error_code", ""),
            model=settings.GEMINI_MODEL,
            prompt_version=PROMPT_VERSION,
        )
    except (KeyError, TypeError, ValueError):
        return None


def review_without_answer(error: JobError) -> Review:
    """Return what stands in for an answer that did not come, or cannot be used."""
    if isinstance(error, UnusableAnswer | GeminiBadRequest | GeminiOffSchema | DecoyPassed):
        return Review(
            Outcome.UNUSABLE, error_code=error.code, model=settings.GEMINI_MODEL, prompt_version=PROMPT_VERSION
        )
    return Review(Outcome.MISSING, error_code=error.code)


def is_on() -> bool:
    """Tell whether there is a reviewer beside the rules."""
    return bool(settings.QC_REVIEWER == "gemini")


def is_worth_asking(reasons: Collection[Reason]) -> bool:
    """Tell whether the reviewer's opinion may count beside what the rules have against a product."""
    return not any(it.severity is Severity.REJECT or it.code in DISTRUSTED for it in reasons)


def _code_of_trouble(error_code: str, outcome: Outcome) -> str:
    if error_code == GeminiBudgetUsed.code:
        return BUDGET_USED
    if outcome is Outcome.MISSING:
        return UNAVAILABLE
    if error_code == DecoyPassed.code:
        return "review.not_trusted"
    is_blocked = error_code in (GeminiPromptBlocked.code, GeminiAnswerBlocked.code)
    return "review.blocked" if is_blocked else "review.unreadable"


def _trouble(code: str) -> Reason:
    message, remedy = _TROUBLE[code]
    return Reason(code=code, severity=Severity.FLAG, field="", message=message, remedy=remedy)
