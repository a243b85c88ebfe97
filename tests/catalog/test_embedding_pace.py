"""Jobs that embed by Gemini: full batches in turns, within the pace, and nothing lost by a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from catalog.embedders.gemini import GeminiEmbedder
from catalog.embedders.hashing import HashingEmbedder
from catalog.models import StoredVector
from catalog.tasks import embedding as tasks
from jobs.gates import lift_gate, pass_gates, pause, take_turn
from jobs.models import Gate, Job
from jobs.registry import get_task
from jobs.retry import Family
from jobs.session import Session
from marketplace.models import Product, SyncRun
from tests.catalog.products import drain, enqueue_stage, job_counts, make_product, make_seller, make_sync
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db
TASK, QUEUE = "task:generate-embedding", "generate-embedding"
SECONDS_A_CALL = 40.0
TURNS = "gemini:gemini-embedding-001"


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


@pytest.fixture
def by_gemini(gemini_api: GeminiApi, monkeypatch: pytest.MonkeyPatch) -> GeminiApi:
    """Embed by the loopback Gemini; what is written to the index is not looked at here."""
    embedder = GeminiEmbedder()
    monkeypatch.setattr(tasks, "current_embedder", lambda: embedder)
    monkeypatch.setattr(GeminiEmbedder, "seconds_a_call", SECONDS_A_CALL)
    monkeypatch.setattr("catalog.embedding.write_products", lambda *_, **__: None)
    return gemini_api


@pytest.fixture
def next_turn(session: Session) -> Callable[[], None]:
    def run() -> None:
        """Let the time until the next call pass, and what it lets through."""
        Gate.objects.update(closed_until=None, tokens=F("burst"))
        later = Job.objects.filter(state="scheduled", task=QUEUE)
        later.filter(gate=None).update(state="pending")
        later.update(state="gated")
        pass_gates()
        drain(session, QUEUE)

    return run


def states() -> dict[str, int]:
    return job_counts()[QUEUE]


def test_a_turn_is_a_full_batch_and_the_rest_waits_behind_the_gate(
    session: Session, sync: SyncRun, by_gemini: GeminiApi, next_turn: Callable[[], None]
) -> None:
    products = [make_product(sync, f"Lamp number {number}") for number in range(130)]
    enqueue_stage(QUEUE, products, sync=sync)

    drain(session, QUEUE)
    assert states() == {"completed": 64, "gated": 66}
    assert pass_gates()[QUEUE] == 0  # the gate is closed until the next call may be made
    for _ in range(2):
        next_turn()

    assert states() == {"completed": 130}
    assert [len(asked.texts) for asked in by_gemini.asked] == [64, 64, 2]
    assert StoredVector.objects.count() == 130
    assert set(Job.objects.filter(task=QUEUE).values_list("attempt", "waits")) == {(1, 0)}
    enqueue_stage(QUEUE, products[:3], sync=sync, occasion=":again")
    assert states() == {"completed": 130, "gated": 3}  # those that come later have the gate from the start
    next_turn()
    assert (states(), len(by_gemini.asked)) == ({"completed": 133}, 3)
    assert Gate.objects.get(key=TURNS).closed_until is None  # no call was made: the next batch need not wait
    assert Gate.objects.get(key=TASK).tokens >= 64


def test_a_batch_whose_turn_it_is_not_spends_nothing(
    session: Session, sync: SyncRun, by_gemini: GeminiApi, next_turn: Callable[[], None]
) -> None:
    assert take_turn(TURNS, for_s=60) == 0  # somebody else's
    products = [make_product(sync, "Red lamp"), make_product(sync, "Blue lamp")]
    enqueue_stage(QUEUE, products[:1], sync=sync)
    drain(session, QUEUE)
    enqueue_stage(QUEUE, products[1:], sync=sync)
    assert states() == {"scheduled": 1, "gated": 1}  # the first came before there was a gate

    next_turn()

    assert states() == {"completed": 2}
    assert sorted(Job.objects.filter(task=QUEUE).values_list("attempt", "waits")) == [(1, 0), (1, 1)]
    assert len(by_gemini.asked) == 1


@pytest.mark.parametrize(
    ("answer", "state", "code", "closed_s"),
    [
        (gemini.too_many_calls(retry_delay="33s"), "scheduled", "gemini.rate_limited", 33),
        (gemini.too_many_calls(), "scheduled", "gemini.rate_limited", 60),
        (gemini.too_many_calls(period="PerDay"), "failed", "gemini.quota_exceeded", 3600),
        (gemini.bad_key(), "failed", "gemini.key_refused", SECONDS_A_CALL),
        (gemini.unavailable(), "scheduled", "gemini.unavailable", SECONDS_A_CALL),
    ],
)
def test_a_refusal_is_the_whole_batch_s_and_keeps_others_from_running_into_it(
    session: Session, sync: SyncRun, by_gemini: GeminiApi, answer: Any, state: str, code: str, closed_s: float
) -> None:
    by_gemini.failures = [answer]
    products = [make_product(sync, "Red lamp"), make_product(sync, "Blue lamp")]
    enqueue_stage(QUEUE, products, sync=sync)
    drain(session, QUEUE)

    assert states() == {state: 2}
    assert set(Job.objects.filter(task=QUEUE).values_list("error_code", flat=True)) == {code}
    assert len(by_gemini.asked) == 1
    waits_s = [take_turn(key, for_s=1) for key in (TURNS, TASK)]
    assert all(closed_s - 5 < wait_s <= closed_s for wait_s in waits_s)
    assert set(Product.objects.values_list("embedding_input_hash", flat=True)) == {""}


def test_one_text_that_gemini_cannot_take_fails_alone(
    session: Session, sync: SyncRun, by_gemini: GeminiApi, next_turn: Callable[[], None]
) -> None:
    by_gemini.bad_text = "Blue"
    products = [make_product(sync, f"{colour} lamp") for colour in ("Red", "Blue", "Green")]
    enqueue_stage(QUEUE, products, sync=sync)
    drain(session, QUEUE)
    for _ in range(4):
        next_turn()

    assert states() == {"completed": 2, "failed": 1}
    assert [len(asked.texts) for asked in by_gemini.asked] == [3, 1, 1, 1]
    statuses = {it.title: (it.status, [reason["code"] for reason in it.reasons]) for it in Product.objects.all()}
    assert statuses["Blue lamp"] == ("dead", ["gemini.bad_request"])
    assert statuses["Red lamp"] == statuses["Green lamp"] == ("pending", [])


def test_the_minute_s_last_calls_are_not_waited_for_in_a_worker(
    session: Session, sync: SyncRun, by_gemini: GeminiApi, settings: Any, next_turn: Callable[[], None]
) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 1
    for number in range(2):
        enqueue_stage(QUEUE, [make_product(sync, f"Lamp {number}")], sync=sync)
        next_turn()

    assert states() == {"completed": 1, "gated": 1}
    assert len(by_gemini.asked) == 1
    assert 0 < take_turn(TASK, for_s=1) <= 60


def test_an_embedder_without_a_pace_lifts_the_gate(
    session: Session,
    sync: SyncRun,
    by_gemini: GeminiApi,
    monkeypatch: pytest.MonkeyPatch,
    next_turn: Callable[[], None],
) -> None:
    products = [make_product(sync, f"Lamp {number}") for number in range(2)]
    enqueue_stage(QUEUE, products[:1], sync=sync)
    drain(session, QUEUE)
    enqueue_stage(QUEUE, products[1:], sync=sync)
    monkeypatch.setattr(tasks, "current_embedder", HashingEmbedder)

    next_turn()

    assert states() == {"completed": 2}
    assert not Gate.objects.filter(key=TASK).exists()
    assert len(by_gemini.asked) == 1


def test_gemini_s_failures_are_tried_three_times_and_the_index_s_as_often_as_the_task_says() -> None:
    retry = get_task(QUEUE).retry

    curve = retry.curve_of(Family.RETRYABLE, "gemini.timeout")
    assert (curve.attempts, curve.first_s, curve.cap_s, curve.jitter) == (3, 1.0, 60.0, 0.3)
    assert (retry.waits, retry.wait_s) == (5, 60.0)
    assert retry.curve_of(Family.RETRYABLE, "index.unavailable").attempts is None


def test_of_two_callers_one_has_the_turn_and_a_pause_gives_it_to_nobody(db: None) -> None:
    waits_s = [take_turn("gemini:x", for_s=30) for _ in range(2)]
    assert waits_s[0] == 0
    assert 29 < waits_s[1] <= 30
    lift_gate("gemini:x")
    assert take_turn("gemini:x", for_s=30) == 0
    lift_gate("gemini:x")
    pause("gemini:x")
    assert take_turn("gemini:x", for_s=30) == 30
    lift_gate("gemini:x")
    assert Gate.objects.get(key="gemini:x").is_paused
