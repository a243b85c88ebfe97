"""Ask about several products at once: in calls of up to eight of one seller, a few calls at a time."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.conf import settings

from jobs.errors import JobError
from marketplace.gemini.errors import GeminiBadRequest, GeminiOffSchema, GeminiPaced, UnusableAnswer
from marketplace.gemini.generating import Generated, PicturePart, generate_each
from marketplace.gemini.pace import free_calls
from qc.reviewer.answers import reviews_in
from qc.reviewer.known import keep_reviews
from qc.reviewer.pictures import small_pictures
from qc.reviewer.prompt import Listing, Question, question_on
from qc.reviewer.review import DecoyPassed, Outcome, Review, review_without_answer

# The instruction, its schema and the decoy are some 1,300 tokens, a listing with a picture some 1,500 (estimated from
# the published sizes): eight a call cost two fifths less than one, sixteen another 3 %, and an error would hit sixteen.
LISTINGS_A_CALL = 8
# One listing of several may be to blame: each is asked about alone before any is judged by it.
_BLAMES_ONE = (UnusableAnswer, GeminiBadRequest, GeminiOffSchema, DecoyPassed)


class Again(Enum):
    """No review yet, and no fault of the listing's."""

    ALONE = "alone"
    LATER = "later"  # this worker is stopping


Asked = Review | JobError | Again


@dataclass(frozen=True, slots=True)
class Wanted:
    """A product to ask about.

    Args:
        key: what its review is known by; equal keys are asked about once.
        seller_id: whose it is.
        content: what the seller says of it.
        files: of its pictures.
    """

    key: str
    seller_id: int
    content: Mapping[str, Any]
    files: Sequence[str] = ()


def ask(
    wanted: Sequence[Wanted], *, alone: Collection[str] = (), is_stopping: Callable[[], bool] = lambda: False
) -> dict[str, Asked]:
    """Ask about products, and keep what was answered for a day.

    Needs a database connection, for the counts. Returns by key a review, a member of the errors of Gemini or of this
    package, or how to ask again.

    Args:
        wanted: what to ask about.
        alone: keys that get a call of their own.
        is_stopping: from then on no call is begun.
    """
    groups = _groups({it.key: it for it in wanted}.values(), alone=alone)
    free, wait_s = free_calls(settings.GEMINI_MODEL)
    results: dict[str, Asked] = {it.key: GeminiPaced(retry_after_s=wait_s) for group in groups[free:] for it in group}
    questions = []
    for listings, failed in _with_pictures(groups[:free]):
        results |= failed
        if listings:
            questions.append(question_on(listings))
    answers = generate_each(
        [it.prompt for it in questions], concurrency=settings.JOB_CONCURRENCY, is_stopping=is_stopping
    )
    for question, answer in zip(questions, answers, strict=True):
        results |= _results(question, answer)
    keep_reviews({key: it for key, it in results.items() if isinstance(it, Review)})
    return results


def _with_pictures(groups: Sequence[Sequence[Wanted]]) -> Iterator[tuple[list[Listing], dict[str, Asked]]]:
    """Yield of each group the listings with their pictures, and those whose pictures cannot be had."""
    with ThreadPoolExecutor(max_workers=settings.JOB_CONCURRENCY) as pool:
        for group, pictures in [(group, pool.map(_pictures, group)) for group in groups]:
            had = list(zip(group, pictures, strict=True))
            failed: dict[str, Asked] = {it.key: its for it, its in had if isinstance(its, JobError)}
            yield [Listing(it.key, it.content, its) for it, its in had if not isinstance(its, JobError)], failed


def _pictures(wanted: Wanted) -> list[PicturePart] | JobError:
    try:
        return small_pictures(wanted.files)
    except JobError as error:
        return error


def _groups(wanted: Collection[Wanted], *, alone: Collection[str]) -> list[list[Wanted]]:
    by_seller: dict[int, list[Wanted]] = {}
    for it in wanted:
        if it.key not in alone:
            by_seller.setdefault(it.seller_id, []).append(it)
    together = [
        its[start : start + LISTINGS_A_CALL]
        for its in by_seller.values()
        for start in range(0, len(its), LISTINGS_A_CALL)
    ]
    return [*together, *([it] for it in wanted if it.key in alone)]


def _results(question: Question, answer: Generated | JobError | None) -> dict[str, Asked]:
    keys = [it.key for it in question.listings.values()]
    if answer is None:
        return dict.fromkeys(keys, Again.LATER)
    if isinstance(answer, JobError):
        return {key: _result(answer, is_alone=len(keys) == 1) for key in keys}
    return {key: _result(it, is_alone=len(keys) == 1) for key, it in reviews_in(answer.data, question).items()}


def _result(said: Review | JobError, *, is_alone: bool) -> Asked:
    if isinstance(said, Review):
        return said
    if isinstance(said, _BLAMES_ONE) and not is_alone:
        return Again.ALONE
    review = review_without_answer(said)
    # What would be the same the next time is a review, and is kept like one; nonsense is asked about again first.
    return review if review.outcome is Outcome.UNUSABLE and not isinstance(said, GeminiOffSchema) else said
