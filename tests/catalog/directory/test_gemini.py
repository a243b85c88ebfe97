"""The directory's vectors by Gemini: the real client and a loopback server that answers as the API does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from catalog.directory import embedder as directory_embedder
from catalog.directory.searching import search_directory
from catalog.embedders.gemini import GeminiEmbedder
from catalog.search.query_vectors import breaker_of
from jobs.gates import pass_gates
from jobs.models import DeadLetter, Gate, Job
from jobs.session import Session
from marketplace.models import DirectoryEntry, GeminiMinute
from tests.catalog.directory.conftest import QUEUE, make_business
from tests.catalog.products import drain
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_gemini(gemini_api: GeminiApi, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DIRECTORY_EMBEDDER = "gemini"
    embedder = GeminiEmbedder()
    monkeypatch.setattr(directory_embedder, "_embedder", lambda _: embedder)


@pytest.fixture
def work(session: Session) -> Callable[[], None]:
    """Let the time until the next turn pass, and run what is due then."""

    def run() -> None:
        Gate.objects.update(closed_until=None, tokens=F("burst"))
        Job.objects.filter(state="scheduled").exclude(gate=None).filter(run_at__lte=timezone.now()).update(
            state="gated"
        )
        pass_gates()
        drain(session, QUEUE)

    return run


def due_now() -> None:
    Job.objects.filter(state="scheduled").update(run_at=timezone.now() - timedelta(seconds=1))
    Job.objects.filter(state="scheduled", gate=None).update(state="pending")


def statuses() -> list[str]:
    return list(DirectoryEntry.objects.order_by("pk").values_list("embedding_status", flat=True))


def test_a_batch_is_one_call_and_the_use_is_counted(gemini_api: GeminiApi, work: Callable[[], None]) -> None:
    for number in range(5):
        make_business(f"Bakery {number}")
    work()
    assert statuses() == ["done"] * 5
    (asked,) = gemini_api.asked
    assert asked.texts[0] == "Bakery 0\nBakery\n1 Quay Street\n\nBread and rye rolls from a stone oven."
    assert asked.body["requests"][0]["outputDimensionality"] == 768
    assert GeminiMinute.objects.values_list("calls", "items", "refusals").get() == (1, 5, 0)
    assert set(DirectoryEntry.objects.values_list("embedding_fingerprint", flat=True)) == {GeminiEmbedder().fingerprint}
    answer = search_directory("bakery 3")
    assert answer.results[0].entry.name == "Bakery 3"
    search_directory("Bakery  3")
    assert len(gemini_api.asked) == 2  # the query's vector is kept


def test_a_429_waits_as_long_as_it_says_and_spends_no_attempt(gemini_api: GeminiApi, work: Callable[[], None]) -> None:
    make_business()
    gemini_api.failures = [gemini.too_many_calls(retry_delay="7s"), gemini.too_many_calls()]
    for wait_s in (7, 60):
        work()
        job = Job.objects.get()
        assert (job.state, job.attempt, statuses()) == ("scheduled", 0, ["queued"])
        assert (job.run_at - timezone.now()).total_seconds() == pytest.approx(wait_s, abs=2)
        due_now()
    work()
    assert (statuses(), DeadLetter.objects.count()) == (["done"], 0)


@pytest.mark.parametrize(
    ("answer", "code", "status_code", "reason"),
    [
        (gemini.bad_key(), "gemini.key_refused", 400, "permanent"),
        (gemini.too_many_calls(period="PerDay"), "gemini.quota_exceeded", 429, "quota"),
    ],
)
def test_a_bad_key_and_a_used_up_quota_go_straight_to_the_dead_letters(
    gemini_api: GeminiApi, work: Callable[[], None], answer: Any, code: str, status_code: int, reason: str
) -> None:
    make_business()
    gemini_api.failures = [answer]
    work()
    letter = DeadLetter.objects.get()
    assert (letter.error_code, letter.status_code, letter.reason) == (code, status_code, reason)
    assert (letter.job.attempt, len(gemini_api.asked), statuses()) == (1, 1, ["failed"])


@pytest.mark.parametrize(
    "answer", [gemini.broken(), gemini.bad_gateway(), gemini.cut_short()], ids=["500", "502 in HTML", "cut short"]
)
def test_faults_of_the_server_are_tried_three_times(
    gemini_api: GeminiApi, work: Callable[[], None], answer: Any
) -> None:
    make_business()
    gemini_api.failures = [answer] * 3
    for state in ("scheduled", "scheduled", "dead"):
        work()
        assert Job.objects.get().state == state
        due_now()
    assert len(gemini_api.asked) == 3
    assert DeadLetter.objects.get().reason == "exhausted"


def test_a_wrong_number_of_vectors_is_tried_again_and_none_is_stored(
    gemini_api: GeminiApi, work: Callable[[], None]
) -> None:
    for number in range(3):
        make_business(f"Bakery {number}")
    gemini_api.spoil = lambda vectors: vectors[:2]
    work()
    assert (statuses(), set(Job.objects.values_list("error_code", flat=True))) == (
        ["queued"] * 3,
        {"gemini.bad_answer"},
    )
    assert not DirectoryEntry.objects.exclude(embedding=None).exists()
    gemini_api.spoil = None
    due_now()
    work()
    assert statuses() == ["done"] * 3


def test_one_text_that_is_refused_fails_alone(gemini_api: GeminiApi, work: Callable[[], None]) -> None:
    for name in ("Good bakery", "Unspeakable bakery", "Fair bakery"):
        make_business(name)
    gemini_api.bad_text = "Unspeakable"
    for _ in range(5):  # all, then each alone in a turn of its own
        work()
        due_now()
    assert statuses() == ["done", "failed", "done"]
    letter = DeadLetter.objects.get()
    assert (letter.error_code, letter.job.attempt) == ("gemini.bad_request", 1)
    assert [len(asked.texts) for asked in gemini_api.asked] == [3, 1, 1, 1]


def test_our_own_pace_holds_jobs_back_without_spending_anything(
    gemini_api: GeminiApi, work: Callable[[], None], session: Session
) -> None:
    make_business("Bakery 1")
    work()
    for number in (2, 3):
        make_business(f"Bakery {number}")
    drain(session, QUEUE)
    pass_gates()
    drain(session, QUEUE)
    assert statuses() == ["done", "queued", "queued"]
    assert set(Job.objects.exclude(state="completed").values_list("state", "gate", "attempt", "waits")) == {
        ("gated", "task:generate-business-embedding", 0, 0)
    }
    work()
    assert (statuses(), len(gemini_api.asked)) == (["done"] * 3, 2)


def test_a_search_goes_on_by_words_while_gemini_is_away(gemini_api: GeminiApi, work: Callable[[], None]) -> None:
    make_business()
    work()
    gemini_api.failures = [gemini.unavailable()]
    answer = search_directory("bakery")
    assert ([found.entry.name for found in answer.results], answer.is_degraded) == (["Harbour Bakery"], True)

    breaker_of.cache_clear()  # rather than some seconds later
    assert search_directory("bakery").is_degraded is False
