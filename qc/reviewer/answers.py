"""What the reviewer answered, believed only as far as it fits what was asked."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from jobs.errors import JobError
from marketplace.gemini.errors import GeminiOffSchema
from qc.reviewer.complaints import KINDS
from qc.reviewer.prompt import Question
from qc.reviewer.review import PROMPT_VERSION, Complaint, DecoyPassed, Outcome, Review

MAX_COMPLAINTS = len(KINDS)
MAX_CHARS = 300


def reviews_in(data: Mapping[str, Any], question: Question) -> dict[str, Review | JobError]:
    """Return a review for each listing of a call, by its key, or why there is none.

    Where the decoy was let pass, or is not answered for once, nothing is believed. A listing that is not answered for,
    or twice, has no review; answers for what was not asked are nobody's.
    """
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for entry in data["listings"]:
        entries.setdefault(entry["id"], []).append(entry)
    decoys = entries.get(question.decoy_id, [])
    if len(decoys) != 1 or decoys[0]["decision"] == "approve":
        return {listing.key: DecoyPassed() for listing in question.listings.values()}
    return {listing.key: _review(entries.get(id_, [])) for id_, listing in question.listings.items()}


def _review(entries: list[Mapping[str, Any]]) -> Review | JobError:
    if len(entries) != 1:
        return GeminiOffSchema(f"{len(entries)} answers for one listing")
    (entry,) = entries
    complaints = [
        Complaint(it["code"], it["field"], it["message"][:MAX_CHARS], it["remedy"][:MAX_CHARS])
        for it in entry["complaints"][:MAX_COMPLAINTS]
    ]
    if entry["addresses_reviewer"] and all(it.kind != "instructs_reviewer" for it in complaints):
        complaints.append(
            Complaint("instructs_reviewer", "description", "The listing speaks to whoever checks it, not to buyers.")
        )
    return Review(
        outcome=Outcome.ANSWERED,
        decision=entry["decision"],
        confidence=float(entry["confidence"]),
        shows=entry["shows"][:MAX_CHARS],
        complaints=tuple(complaints),
        model=settings.GEMINI_MODEL,
        prompt_version=PROMPT_VERSION,
    )
