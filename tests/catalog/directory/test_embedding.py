"""The job `generate-business-embedding`: one vector per text, one call per batch, and what failures do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from catalog.directory.embedding import business_text, embed_wanted, store_embedded, wanted_vectors
from jobs.batch import NewJob
from jobs.dead_letters import retry_dead_letter
from jobs.errors import PermanentError, QuotaExceededError, RateLimitedError, RetryableError
from jobs.journal import journal
from jobs.ledger import enqueue
from jobs.models import DeadLetter, Job, JobAttempt, JobLine
from marketplace.directory import Occasion, request_embeddings, update_entry
from marketplace.models import DirectoryEntry
from tests.catalog.directory.conftest import CountingEmbedder, make_business

pytestmark = pytest.mark.django_db
TASK = "generate-business-embedding"
AGAIN = Occasion("bulk", by="ada", source="admin")


def outcomes() -> list[str]:
    done = Job.objects.filter(task=TASK, state="completed").order_by("pk")
    return list(done.values_list("result__status", flat=True))


def fresh(entry: DirectoryEntry) -> DirectoryEntry:
    return DirectoryEntry.objects.get(pk=entry.pk)


def due_now() -> None:
    """Make what waits for its time due."""
    Job.objects.filter(state="scheduled").update(state="pending", run_at=timezone.now() - timedelta(seconds=1))


def test_a_new_business_gets_the_vector_of_its_text(work: Callable[[], None], embedder: CountingEmbedder) -> None:
    entry = make_business()
    job = Job.objects.get(task=TASK)
    assert (job.priority, job.payload) == (1, {"businessId": entry.pk, "operation": "create"})
    assert (job.max_attempts, job.meta["source"], job.meta["by"]) == (3, "api", "ada")
    assert job.meta["original_name"] == "Harbour Bakery"
    work()
    done = fresh(entry)
    text = "Harbour Bakery\nBakery\n1 Quay Street\n\nBread and rye rolls from a stone oven."
    assert embedder.calls == [[text]]
    assert (done.embedding_status, done.embedding_text, done.embedding_fingerprint) == ("done", text, "counting_1")
    assert (done.embedding_job_id, done.embedding_error_code) == (job.pk, "")
    vector = np.frombuffer(bytes(done.embedding or b""), dtype="<f4")
    assert vector.shape == (768,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert Job.objects.get(pk=job.pk).result == {"status": "embedded", "fingerprint": "counting_1", "dimensions": 768}


def test_all_businesses_of_a_batch_are_one_call_and_equal_texts_one_text(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    for number in range(30):
        make_business(f"Bakery {number}")
    make_business("bakery   3!")  # the same words
    work()
    assert [len(call) for call in embedder.calls] == [30]
    assert outcomes() == ["embedded"] * 31
    make_business("BAKERY 4")  # embedded before: its vector is stored
    work()
    assert len(embedder.calls) == 1
    assert set(DirectoryEntry.objects.values_list("embedding_status", flat=True)) == {"done"}


def test_a_second_run_embeds_nothing_and_answers_duplicate(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    entry = make_business()
    work()
    first = fresh(entry)
    enqueue(NewJob(TASK, {"businessId": entry.pk, "operation": "create"}))
    work()
    assert outcomes() == ["embedded", "duplicate"]
    again = fresh(entry)
    assert len(embedder.calls) == 1
    assert (again.embedding_version, again.embedded_at) == (first.embedding_version, first.embedded_at)


def test_two_jobs_for_one_business_in_one_batch_embed_it_once(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    entry = make_business()
    _, job = update_entry(entry.pk, by="ada", name="Harbour Bakers", description="Cakes, pies and 12 kinds of tart.")
    work()
    assert outcomes() == ["embedded", "duplicate"]
    assert [len(call) for call in embedder.calls] == [1]
    assert (fresh(entry).embedding_status, fresh(entry).embedding_job_id) == ("done", job.id)


def test_asking_again_is_answered_with_the_job_on_its_way(work: Callable[[], None], embedder: CountingEmbedder) -> None:
    entry = make_business()
    created = Job.objects.get(task=TASK).pk
    asked = request_embeddings([entry.pk, entry.pk], occasion=AGAIN)
    assert (asked.queued, asked.jobs[entry.pk].id, asked.jobs[entry.pk].status) == (0, created, "duplicate")
    work()
    assert request_embeddings([entry.pk], occasion=AGAIN).queued == 1
    assert request_embeddings([entry.pk], occasion=AGAIN).queued == 0
    work()
    assert outcomes() == ["embedded", "duplicate"]
    assert (fresh(entry).embedding_status, len(embedder.calls)) == ("done", 1)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"description": "Bread, and rye rolls from a stone-oven!"}, "duplicate"),  # the same words
        ({"description": f"Bread and rye rolls from a stone oven. {'Open daily for everybody. ' * 8}"}, "embedded"),
        ({"name": "Harbour Butchers"}, "embedded"),
        ({"address": "2 Quay Street"}, "embedded"),
        ({"category": "Café"}, "embedded"),
    ],
)
def test_only_a_significant_change_is_embedded_again(
    work: Callable[[], None], embedder: CountingEmbedder, changes: dict[str, Any], outcome: str
) -> None:
    entry = make_business()
    work()
    _, job = update_entry(entry.pk, by="ada", **changes)
    assert (job.status, fresh(entry).embedding_status) == ("queued", "queued")
    work()
    assert outcomes()[-1] == outcome
    assert fresh(entry).embedding_status == "done"
    assert len(embedder.calls) == (2 if outcome == "embedded" else 1)


def test_small_changes_add_up_against_the_text_that_was_embedded(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    words = [f"{first}{second}" for first in ("amber", "birch", "cedar", "dune") for second in ("ware", "loom", "kiln")]
    entry = make_business(description=" ".join(words))
    work()
    for position in range(3):
        words[position] = f"novel{'abc'[position]}"
        update_entry(entry.pk, by="ada", description=" ".join(words))
        work()
    assert outcomes() == ["embedded", "not_needed", "embedded", "not_needed"]


def test_a_business_that_is_gone_goes_straight_to_the_dead_letters(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    entry = make_business()
    other = make_business("Lamp House")
    DirectoryEntry.objects.filter(pk=entry.pk).delete()
    work()
    letter = DeadLetter.objects.get()
    assert (letter.error_code, letter.reason, letter.job.attempt) == ("directory.business_not_found", "permanent", 1)
    assert letter.job.payload["businessId"] == entry.pk
    assert fresh(other).embedding_status == "done"


def test_what_may_pass_is_tried_three_times_then_shown_at_the_business(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    entry = make_business()
    embedder.errors = [RetryableError("no answer", status_code=500) for _ in range(3)]
    for attempt in range(1, 4):
        work()
        assert JobAttempt.objects.count() == attempt
        assert Job.objects.get().state == ("scheduled" if attempt < 3 else "dead")
        due_now()
    failed = fresh(entry)
    assert (failed.embedding_status, failed.embedding_error_message) == ("failed", "no answer")
    assert failed.embedding_error_code == "jobs.retryable"
    letter = DeadLetter.objects.get()
    assert (letter.status_code, letter.reason) == (500, "exhausted")
    retried = retry_dead_letter(letter.pk, actor="ada", reason="It answers again.")
    job = Job.objects.get(pk=retried.job_id)
    assert (job.attempt, job.meta["source"], job.meta["original_name"]) == (0, "dlq-retry", "Harbour Bakery")
    assert "retried_at" in job.meta
    work()
    assert (fresh(entry).embedding_status, fresh(entry).embedding_error_code) == ("done", "")


def test_backoff_is_that_of_remote_interfaces(work: Callable[[], None], embedder: CountingEmbedder) -> None:
    make_business()
    embedder.errors = [RetryableError("no answer")]
    work()
    job = Job.objects.get()
    wait_s = (job.run_at - JobAttempt.objects.get().ended_at).total_seconds()
    assert 0.9 <= wait_s <= 1.4  # 1 s and up to 30 %


@pytest.mark.parametrize("error", [QuotaExceededError("used up"), PermanentError("the key is wrong", status_code=400)])
def test_quota_and_permanent_errors_are_not_tried_again(
    work: Callable[[], None], embedder: CountingEmbedder, error: Exception
) -> None:
    entries = [make_business(f"Bakery {number}") for number in range(3)]
    embedder.errors = [error]
    work()
    assert (DeadLetter.objects.count(), len(embedder.calls)) == (3, 1)
    assert {fresh(entry).embedding_status for entry in entries} == {"failed"}
    assert set(Job.objects.values_list("state", "attempt")) == {("failed", 1)}


def test_a_rate_limit_waits_as_told_and_spends_no_attempt(work: Callable[[], None], embedder: CountingEmbedder) -> None:
    entry = make_business()
    embedder.errors = [RateLimitedError("slow down", retry_after_s=7), RateLimitedError("slow down")]
    for expected_s in (7, 60):
        work()
        job = Job.objects.get()
        assert (job.state, job.attempt, fresh(entry).embedding_status) == ("scheduled", 0, "queued")
        assert (job.run_at - timezone.now()).total_seconds() == pytest.approx(expected_s, abs=2)
        due_now()
    work()
    assert (Job.objects.get().waits, fresh(entry).embedding_status) == (2, "done")


def test_neighbours_that_have_their_vectors_are_done_although_the_embedder_fails(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    old = make_business("Lamp House")
    work()
    new = make_business()
    request_embeddings([old.pk], occasion=AGAIN)
    embedder.errors = [PermanentError("no")]
    work()
    assert (fresh(old).embedding_status, fresh(new).embedding_status) == ("done", "failed")


def test_a_text_that_changes_meanwhile_stays_queued(embedder: CountingEmbedder) -> None:
    entry = make_business()
    read = wanted_vectors([entry.pk], embedder=embedder)
    embed_wanted(read, embedder=embedder)
    update_entry(entry.pk, by="ada", name="Harbour Butchers")
    store_embedded(read, jobs={entry.pk: 1})
    kept = fresh(entry)
    assert kept.embedding_status == "queued"
    assert kept.embedding_text.startswith("Harbour Bakery\n")
    assert business_text(kept).startswith("Harbour Butchers\n")


def test_the_log_of_a_job_says_what_it_did(work: Callable[[], None], embedder: CountingEmbedder) -> None:
    make_business()
    work()
    journal().flush()
    assert list(JobLine.objects.values_list("message", flat=True)) == [
        "the business has the vector of its text (counting_1, 768 dimensions)"
    ]
