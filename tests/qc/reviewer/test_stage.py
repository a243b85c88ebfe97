"""The stage of quality control with its reviewer: Google's client, a loopback Gemini, and each way to fail."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Sum

from jobs.execution import run_once
from jobs.gates import pass_gates, set_gate
from jobs.models import DeadLetter, Gate, Job
from jobs.session import Session
from marketplace.models import GeminiMinute, Picture, Product, Seller
from qc import tasks
from qc.models import Verdict
from qc.reviewer.absence import absence
from qc.reviewer.figures import recent_figures
from qc.reviewer.review import PROMPT_VERSION
from tests.catalog.products import picture_bytes
from tests.fakes import gemini
from tests.fakes.gemini import Answer, Asked, GeminiApi
from tests.qc.reviewer.conftest import QUEUE, Control, Make, enqueue, finish, state
from tests.qc.reviewer.reading import approved, careful, listings_in, mind, titles_in

pytestmark = pytest.mark.django_db


def test_rules_come_first_and_the_reviewer_adds_what_it_sees(reviewer: GeminiApi, make: Make, control: Control) -> None:
    good, opium, perhaps, copy, dark = (
        make(f"{it} lamp") for it in ("Red", "Umbral", "Perhaps umbral", "Mimic", "Dark")
    )
    priceless, phoned = make("Umbral lamp", price=None), make("Umbral lamp, call +44 20 7946 0123")

    control(good, opium, perhaps, copy, dark, priceless, phoned)

    assert state(good) == ("pending", [])
    assert state(opium) == ("rejected", ["review.prohibited_goods"])
    assert state(perhaps) == ("flagged", ["review.prohibited_goods"])
    assert state(copy) == ("flagged", ["review.counterfeit"])
    assert state(dark) == ("pending", ["review.picture_quality"])
    assert state(priceless) == ("rejected", ["price.missing"])
    assert state(phoned) == ("rejected", ["review.prohibited_goods", "text.phone_number"])
    assert sum(titles_in(asked).count("Umbral lamp") for asked in reviewer.asked) == 1  # not the one without a price
    assert Job.objects.filter(task="index-product").count() == 2
    verdict = opium.verdicts.get()
    assert (verdict.model, verdict.prompt_version) == ("gemini-3.5-flash-lite", PROMPT_VERSION)
    assert (verdict.review["decision"], verdict.review["confidence"]) == ("reject", 0.95)
    assert (priceless.verdicts.get().model, priceless.verdicts.get().review) == ("", {})


def test_without_a_reviewer_the_rules_alone_decide(
    reviewer: GeminiApi, make: Make, control: Control, settings: Any
) -> None:
    settings.QC_REVIEWER = "rules"
    product = make("Umbral lamp")

    control(product)

    assert state(product) == ("pending", [])
    assert reviewer.asked == []


def test_the_reviewer_sees_small_pictures(
    reviewer: GeminiApi, make: Make, control: Control, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    product, large = make("Red lamp"), picture_bytes(1200, 800)
    (tmp_path / "a.jpg").write_bytes(large)
    Picture.objects.filter(product=product).update(display="a.jpg")

    control(product)

    ((picture,),) = (asked.pictures for asked in reviewer.asked)
    assert picture.startswith(b"\xff\xd8\xff")
    assert len(picture) < len(large)
    assert state(product) == ("pending", [])


def test_a_picture_out_of_reach_leaves_its_product_alone_unreviewed(
    reviewer: GeminiApi, make: Make, control: Control, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    lost, other = make("Red lamp"), make("Blue lamp")
    Picture.objects.filter(product=lost).update(display="gone.jpg")

    control(lost, other)

    assert state(lost) == ("flagged", ["review.unavailable"])
    assert lost.verdicts.get().review["error_code"] == "review.picture_out_of_reach"
    assert state(other) == ("pending", [])


def test_a_call_holds_up_to_eight_listings_of_one_seller(reviewer: GeminiApi, make: Make, control: Control) -> None:
    rival = Seller.objects.create(name="Rival")
    ours = [make(f"Lamp {number}") for number in range(10)]
    theirs = [make(f"Chair {number}", of=rival) for number in range(3)]
    reviewer.latency_s = 0.1

    control(*ours, *theirs)

    calls = sorted((titles_in(asked) for asked in reviewer.asked), key=len)
    assert [len(titles) for titles in calls] == [2, 3, 8]
    assert all(len({title.split()[0] for title in titles}) == 1 for titles in calls)
    assert 1 < reviewer.most_at_once <= 3
    assert Product.objects.filter(status="pending").count() == 13
    assert GeminiMinute.objects.aggregate(items=Sum("items")) == {"items": 13}


def test_a_second_pass_over_unchanged_products_asks_nothing(reviewer: GeminiApi, make: Make, control: Control) -> None:
    products = [make(f"{kind} lamp {number}") for number in range(20) for kind in ("Red", "Mimic")]
    control(*products)
    calls = len(reviewer.asked)
    assert calls == 5

    control(*products, occasion="2")
    assert len(reviewer.asked) == calls
    cache.clear()  # then verdicts know it
    control(*products, occasion="3")
    assert len(reviewer.asked) == calls
    Verdict.objects.update(review={})  # and where they do not, it is asked about once more
    control(*products, occasion="4")
    control(*products, occasion="5")
    assert len(reviewer.asked) == 2 * calls
    assert Verdict.objects.count() == 40


def test_a_job_that_runs_twice_has_one_effect_and_one_call(
    reviewer: GeminiApi, make: Make, control: Control, worker: Session
) -> None:
    good, copy = make("Red lamp"), make("Mimic lamp")
    control(good, copy)
    before = [state(good), state(copy)]

    Job.objects.filter(task=QUEUE).update(state="pending", is_suspect=True, result=None)
    finish(worker)

    assert [state(good), state(copy)] == before
    assert (len(reviewer.asked), Verdict.objects.count()) == (1, 2)


def test_equal_products_are_asked_about_once_and_changed_ones_again(
    reviewer: GeminiApi, make: Make, control: Control
) -> None:
    one, twin = make("Red lamp"), make("Red lamp", of=Seller.objects.create(name="Rival"))
    Picture.objects.update(sha256="a" * 64)
    control(one)
    control(twin)
    assert len(reviewer.asked) == 1

    Product.objects.filter(pk=one.pk).update(title="Mimic lamp")
    control(one, occasion="2")
    assert len(reviewer.asked) == 2
    assert state(one) == ("flagged", ["review.counterfeit"])


def test_what_staff_decided_costs_no_call(reviewer: GeminiApi, make: Make, control: Control) -> None:
    product = make("Mimic lamp")
    control(product)
    content_hash = product.verdicts.get().content_hash
    Verdict.objects.all().delete()
    cache.clear()
    product.verdicts.create(decision="approved", is_automatic=False, content_hash=content_hash)

    control(product, occasion="2")

    assert len(reviewer.asked) == 1
    assert state(product) == ("pending", [])


def test_what_changed_since_it_was_reviewed_is_reviewed_as_it_is_now(
    reviewer: GeminiApi, make: Make, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = make("Red lamp")
    changes, record = ["Umbral lamp"], tasks.record_judgements

    def record_late(judgements: Any) -> Any:
        if changes:
            Product.objects.filter(pk=product.pk).update(title=changes.pop())
        return record(judgements)

    monkeypatch.setattr(tasks, "record_judgements", record_late)
    control(product)

    assert state(product) == ("rejected", ["review.prohibited_goods"])
    assert [titles_in(asked) for asked in reviewer.asked] == [["Red lamp"], ["Umbral lamp"]]
    assert product.verdicts.count() == 1


# --- when it does not go well -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("failure", "calls", "code", "error_code"),
    [
        (gemini.unavailable(), 3, "review.unavailable", "gemini.unavailable"),
        (gemini.bad_gateway(), 3, "review.unavailable", "gemini.unavailable"),
        (gemini.too_many_calls(retry_delay="7s"), 6, "review.unavailable", "gemini.rate_limited"),
        (gemini.bad_key(), 1, "review.unavailable", "gemini.key_refused"),
        (gemini.too_many_calls(period="PerDay"), 1, "review.unavailable", "gemini.quota_exceeded"),
        (gemini.error(404, "NOT_FOUND", "No such model."), 1, "review.unavailable", "gemini.model_unknown"),
        (gemini.error(400, "INVALID_ARGUMENT", "Bad."), 1, "review.unreadable", "gemini.bad_request"),
        ((200, {"Content-Type": "text/html"}, b"<html>Log in</html>"), 3, "review.unavailable", "gemini.bad_answer"),
    ],
)
def test_while_gemini_fails_the_rules_decide_and_nothing_is_stuck(
    reviewer: GeminiApi, make: Make, control: Control, failure: Answer, calls: int, code: str, error_code: str
) -> None:
    product, priceless = make("Red lamp"), make("Blue lamp", price=None)
    reviewer.failures = [failure] * 20

    control(product, priceless)

    assert state(product) == ("flagged", [code])
    assert state(priceless) == ("rejected", ["price.missing"])
    assert product.verdicts.get().review["error_code"] == error_code
    assert len(reviewer.asked) == calls
    assert set(Job.objects.filter(queue=QUEUE).values_list("state", flat=True)) == {"completed"}
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(
    ("reply", "calls", "code"),
    [
        (gemini.blocked_prompt(), 1, "review.blocked"),
        (gemini.blocked_answer(), 1, "review.blocked"),
        (gemini.written('{"listings": [', ended="MAX_TOKENS"), 1, "review.unreadable"),
        ('{"listings": [', 3, "review.unreadable"),
        ('{"listings": 7}', 3, "review.unreadable"),
        ('{"listings": []}', 1, "review.not_trusted"),
        ("All of them are fine!", 3, "review.unreadable"),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_the_product_to_staff(
    reviewer: GeminiApi, make: Make, control: Control, reply: Any, calls: int, code: str
) -> None:
    product = make("Red lamp")
    reviewer.replies = [reply] * 20

    control(product)

    assert state(product) == ("flagged", [code])
    assert len(reviewer.asked) == calls
    control(product, occasion="2")
    assert len(reviewer.asked) == calls  # it would be the same the next time


def test_one_that_does_not_answer_in_time_is_tried_three_times(
    reviewer: GeminiApi, make: Make, control: Control, settings: Any
) -> None:
    settings.GEMINI_TIMEOUT_S, reviewer.latency_s = 0.1, 0.3
    product = make("Red lamp")

    control(product)

    assert state(product) == ("flagged", ["review.unavailable"])
    assert product.verdicts.get().review["error_code"] == "gemini.timeout"
    assert len(reviewer.asked) == 3


def test_a_bad_listing_does_not_flag_its_neighbours(reviewer: GeminiApi, make: Make, control: Control) -> None:
    reviewer.bad_text = "Broken"
    good, bad = [make(f"Lamp {number}") for number in range(5)], make("Broken lamp")

    control(*good, bad)

    assert [state(it) for it in good] == [("pending", [])] * 5
    assert state(bad) == ("flagged", ["review.unreadable"])
    assert [len(titles_in(asked)) for asked in reviewer.asked] == [6, 1, 1, 1, 1, 1, 1]


def test_a_wrong_count_flags_only_those_it_is_about(reviewer: GeminiApi, make: Make, control: Control) -> None:
    def think(asked: Asked) -> str:
        entries = json.loads(mind(careful)(asked))["listings"]
        titles = {id_: it["title"] for id_, it in listings_in(asked).items()}
        kept = [it for it in entries if titles[it["id"]] != "Left out"]
        kept += [it for it in entries if titles[it["id"]] == "Doubled"]
        return json.dumps({"listings": [*kept, approved() | {"id": "ffffffff"}]})

    reviewer.think = think
    good, left_out, doubled = make("Red lamp"), make("Left out"), make("Doubled")

    control(good, left_out, doubled)

    assert state(good) == ("pending", [])
    assert state(left_out) == state(doubled) == ("flagged", ["review.unreadable"])
    assert len(reviewer.asked) == 1 + 2 * 3  # together, then each alone, three times


def test_a_failure_that_passes_is_forgotten(reviewer: GeminiApi, make: Make, control: Control) -> None:
    product = make("Red lamp")
    reviewer.failures = [gemini.unavailable(), gemini.too_many_calls(retry_delay="7s")]

    control(product)

    assert state(product) == ("pending", [])
    job = Job.objects.get(queue=QUEUE)
    assert (job.attempt, job.waits) == (2, 1)


def test_a_told_wait_shuts_the_gate_for_as_long(reviewer: GeminiApi, make: Make, worker: Session) -> None:
    reviewer.failures = [gemini.too_many_calls(retry_delay="42s")]
    enqueue([make("Red lamp")])

    run_once(QUEUE, session=worker, limit=64)

    job, gate = Job.objects.get(), Gate.objects.get()
    assert job.state == "scheduled"
    for until in (job.run_at, gate.closed_until):
        assert 40 < (until - job.created_at).total_seconds() < 44


# --- pace -------------------------------------------------------------------------------------------
def test_no_more_calls_are_made_than_the_pace_allows_and_the_rest_waits_without_spending(
    reviewer: GeminiApi, make: Make, worker: Session, settings: Any
) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 5  # of which jobs have four
    set_gate(f"task:{QUEUE}", rate_per_s=256.0, burst=64.0)
    enqueue([make(f"Lamp {number}") for number in range(56)])
    pass_gates()

    run_once(QUEUE, session=worker, limit=64)

    states = list(Job.objects.filter(task=QUEUE).values_list("state", "attempt", "waits"))
    assert len(reviewer.asked) == 4
    assert sorted(set(states)) == [("completed", 1, 0), ("gated", 0, 0)]
    assert states.count(("completed", 1, 0)) == 32
    closed_until = Gate.objects.get().closed_until
    assert 50 < (closed_until - Job.objects.earliest("pk").created_at).total_seconds() < 62
    assert pass_gates()[QUEUE] == 0

    settings.GEMINI_REQUESTS_PER_MIN = 100
    finish(worker)
    assert Product.objects.filter(status="pending").count() == 56
    assert len(reviewer.asked) == 7
    assert set(Job.objects.filter(task=QUEUE).values_list("state", "attempt", "waits")) == {("completed", 1, 0)}


def test_the_gate_goes_with_the_reviewer(reviewer: GeminiApi, make: Make, control: Control, settings: Any) -> None:
    control(make("Red lamp"))
    assert Gate.objects.filter(key=f"task:{QUEUE}").exists()

    settings.QC_REVIEWER = "rules"
    control(make("Blue lamp"))
    assert not Gate.objects.filter(key=f"task:{QUEUE}").exists()


def test_a_worker_that_stops_gives_back_what_it_has_not_asked(
    reviewer: GeminiApi, make: Make, worker: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "is_stopping", lambda: True)
    enqueue([make("Red lamp")])

    run_once(QUEUE, session=worker, limit=64)

    assert reviewer.asked == []
    assert Job.objects.values_list("state", "attempt").get() in (("pending", 0), ("gated", 0))


# --- when it cannot be asked at all -----------------------------------------------------------------
def test_a_bad_key_is_met_once_and_the_alarm_raised_once(
    reviewer: GeminiApi, make: Make, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    reviewer.failures = [gemini.bad_key()]

    for number in range(3):
        control(make(f"Lamp {number}"))

    assert len(reviewer.asked) == 1
    assert Product.objects.filter(status="flagged").count() == 3
    assert [it.levelname for it in caplog.records if "products are flagged unreviewed" in it.getMessage()] == ["ERROR"]
    figures = recent_figures()
    assert (figures["away"]["code"], figures["unreviewed"]) == ("gemini.key_refused", 3)
    error = absence()
    assert error is not None
    assert gemini.KEY not in str(error)


def test_above_the_day_s_budget_the_rules_decide_and_products_are_flagged_for_it(
    reviewer: GeminiApi, make: Make, control: Control, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GEMINI_DAY_BUDGET_USD = 0.00001
    first, second, priceless = make("Red lamp"), make("Blue lamp"), make("Green lamp", price=None)

    control(first)
    control(second, priceless)

    assert state(first) == ("pending", [])
    assert state(second) == ("flagged", ["review.budget_used"])
    assert state(priceless) == ("rejected", ["price.missing"])
    assert len(reviewer.asked) == 1
    assert "products are flagged unreviewed" in caplog.text
    assert recent_figures()["away"]["code"] == "gemini.budget_used"
