"""Products that the reviewer could not be asked about come to it again by themselves, and no others do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.ledger import enqueue
from jobs.models import Job
from jobs.session import Session
from qc.reviewer.absence import forget_absence
from qc.reviewer.again import jobs_to_review_again
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi
from tests.qc.reviewer.conftest import QUEUE, Control, Make, finish, state

pytestmark = pytest.mark.django_db


def review_again(worker: Session) -> int:
    """Run the schedule's job and what it starts; return how many that were."""
    job = enqueue(NewJob("review-again", {}))
    run_once(QUEUE, session=worker, limit=64)
    result: Any = Job.objects.get(pk=job.job_id).result
    finish(worker)
    return int(result["queued"])


def test_they_are_judged_again_once_it_is_back(
    reviewer: GeminiApi, make: Make, control: Control, worker: Session
) -> None:
    waiting, copy, bad = make("Red lamp"), make("Mimic lamp"), make("Umbral lamp")
    control(copy)
    reviewer.failures = [gemini.bad_key()]
    control(waiting, bad)
    assert state(waiting) == ("flagged", ["review.unavailable"])
    assert review_again(worker) == 0  # it is still away

    forget_absence()
    assert review_again(worker) == 2

    assert state(waiting) == ("pending", [])
    assert state(bad) == ("rejected", ["review.prohibited_goods"])
    assert state(copy) == ("flagged", ["review.counterfeit"])
    assert waiting.verdicts.count() == 2
    assert review_again(worker) == 0


def test_none_come_while_the_budget_is_used(
    reviewer: GeminiApi, make: Make, control: Control, worker: Session, settings: Any
) -> None:
    settings.GEMINI_DAY_BUDGET_USD = 0.0
    product = make("Red lamp")
    control(product)
    forget_absence()
    assert review_again(worker) == 0

    settings.GEMINI_DAY_BUDGET_USD = 5.0
    assert review_again(worker) == 1
    assert state(product) == ("pending", [])


def test_without_a_reviewer_the_rules_settle_them(
    reviewer: GeminiApi, make: Make, control: Control, worker: Session, settings: Any
) -> None:
    reviewer.failures = [gemini.bad_key()]
    product = make("Red lamp")
    control(product)

    settings.QC_REVIEWER = "rules"
    assert review_again(worker) == 1
    assert state(product) == ("pending", [])


def test_each_is_enqueued_once_an_hour(reviewer: GeminiApi, make: Make, control: Control) -> None:
    reviewer.failures = [gemini.bad_key()]
    product = make("Red lamp")
    control(product)
    forget_absence()

    keys = [jobs_to_review_again(now=datetime(2026, 11, 25, hour, 30, tzinfo=UTC))[0].key for hour in (9, 10)]

    assert keys == [f"again:2026-11-25T09:{product.pk}", f"again:2026-11-25T10:{product.pk}"]
