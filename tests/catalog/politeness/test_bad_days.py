"""Bad days: what the real tasks and gates make of a shop that limits, refuses, fails and vanishes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from catalog import scrolling
from catalog.politeness.models import Domain
from jobs.models import DeadLetter, Gate, Job
from marketplace.models import Product
from tests.catalog.politeness.conftest import Day

OpenDay = Callable[..., Day]
HOUR_S = 3600.0


def test_no_product_is_lost_and_nobody_hammers_whatever_the_shop_does_by_turns(day: OpenDay) -> None:
    moods = ("forbidden", "challenge", "soft", "failing", "garbage", "silent")
    turns = [turn for mood in moods for turn in ((2, "ok"), (4, mood))]
    today = day(turns=[(2, "ok"), (2, "limited"), *turns, (2, "ok"), (2, "busy"), (2, "ok"), (1, "rude")])
    today.enqueue(24)
    today.run()

    assert today.states() == {"completed": 24}
    assert not DeadLetter.objects.exists()
    assert Product.objects.exclude(content_hash="").count() == 24
    assert today.shop.moods() == {"ok": 24, "limited": 2, "busy": 2, "rude": 1} | dict.fromkeys(moods, 4)
    assert today.shop.most_a_second() <= 2  # one a second, and how late each of them may come
    _check_rests(today)
    # Of each four troubles three open the breaker, the fourth is the first probe.
    away = ["opened", "probe", "reopened", "probe", "closed"]
    assert today.story() == ["slowed", "slowed", *away * len(moods), "slowed", "slowed", "slowed"]
    assert today.domain.breaker == "closed"


def _check_rests(today: Day) -> None:
    """See that nobody asked before the time that the shop had asked for: a minute where it did not say."""
    pages = today.shop.pages()
    rests = {"limited": today.shop.retry_after_s, "busy": today.shop.retry_after_s, "rude": 60}
    for asked, following in pairwise(pages):
        assert following.at_s - asked.at_s >= rests.get(asked.mood, 0)


def test_a_429_makes_the_whole_domain_wait_and_slows_it(day: OpenDay, settings: Any) -> None:
    today = day(schedule=((0, "limited"), (5, "ok")), retry_after_s=10)
    settings.FETCH_RATES = {today.shop.host: 100.0}
    today.enqueue(40)
    today.run(until_s=4)

    assert len(today.shop.pages()) <= settings.JOB_CONCURRENCY
    assert today.story() == ["slowed"]
    held = Job.objects.filter(state="gated")
    assert held.count() == 40 - len(today.shop.pages())
    assert set(held.values_list("attempt", "waits")) == {(0, 0)}
    assert Gate.objects.get(key=f"domain:{today.shop.host}").rate_per_s == 50
    first = today.shop.pages()[0].at_s
    today.run()

    assert today.states() == {"completed": 40}
    after = [asked.at_s for asked in today.shop.pages() if asked.mood == "ok"]
    assert min(after) - first >= 10
    assert set(Job.objects.filter(task="scrape-product").values_list("attempt", flat=True)) == {1}


@pytest.mark.parametrize("mood", ["forbidden", "challenge", "soft", "failing", "reset", "garbage"])
def test_a_shop_that_is_away_for_an_hour_loses_nothing(day: OpenDay, mood: str) -> None:
    today = day(schedule=((0, mood), (HOUR_S, "ok")))
    today.enqueue(10)
    today.run()

    assert today.states() == {"completed": 10}
    assert not DeadLetter.objects.exists()
    assert today.story() == ["opened", *["probe", "reopened"] * 5, "probe", "closed"]
    # Three, and five probes; the client asks once more when a connection that it kept breaks.
    assert today.shop.moods()[mood] in ({8, 16} if mood == "reset" else {8})


def test_a_job_that_is_alone_outlives_an_hour_too(day: OpenDay) -> None:
    today = day(schedule=((0, "failing"), (HOUR_S, "ok")))
    today.enqueue(1)
    today.run()

    assert today.states() == {"completed": 1}


@pytest.mark.parametrize("mood", ["forbidden", "soft", "limited"])
def test_a_list_that_the_browser_reads_waits_for_better_days_too(
    day: OpenDay, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrolling, "IDLE_S", 0.2)
    today = day(schedule=((0, mood), (600, "ok")), retry_after_s=120)
    today.enqueue_list()
    today.run("scrape-catalog")

    assert today.states("scrape-catalog") == {"completed": 1}
    assert today.states("scrape-product") == {"gated": 3}
    assert today.story()[-1] == "closed"


def test_a_shop_that_refuses_for_good_ends_in_the_dead_letter_queue_with_its_reason(day: OpenDay) -> None:
    today = day(schedule=((0, "challenge"),))
    today.enqueue(30)
    today.run()

    assert today.states()["failed"] == 30
    assert set(DeadLetter.objects.values_list("error_code", flat=True)) == {"catalog.domain_refuses"}
    assert all("Cloudflare challenge" in letter.error_message for letter in DeadLetter.objects.all())
    assert today.story() == ["opened", *["probe", "reopened"] * 6, "probe", "refused"]
    assert len(today.shop.pages()) == 3 + 7
    product = Product.objects.first()
    assert (product.status, product.reasons[0]["code"]) == ("dead", "catalog.domain_refuses")

    # The next sync asks once, and all is well again.
    today.shop.schedule = ((0, "ok"),)
    today.skip(HOUR_S)
    today.enqueue(5)
    today.run()
    assert today.states()["completed"] == 5
    assert today.story()[-2:] == ["probe", "closed"]


def test_a_shop_that_refuses_for_good_is_not_asked_for_what_comes_meanwhile(day: OpenDay) -> None:
    today = day(schedule=((0, "forbidden"),))
    today.enqueue(3)
    today.run()
    asked = len(today.shop.pages())
    today.enqueue(5)
    today.run()

    assert len(today.shop.pages()) == asked
    assert Job.objects.filter(state="failed", error_code="catalog.domain_refuses").count() >= 5


def test_one_page_that_is_refused_by_a_shop_that_is_well_is_given_up_alone(day: OpenDay) -> None:
    today = day()
    today.shop.forbidden_paths.add("/p/3/447700900100")
    today.enqueue(30)
    today.run()

    assert today.states() == {"completed": 29, "failed": 1}
    letter = DeadLetter.objects.get()
    assert (letter.error_code, letter.status_code) == ("catalog.request_refused", 403)
    assert [asked.path for asked in today.shop.pages()].count("/p/3/447700900100") == 3
    assert today.story() == []


def test_half_open_lets_one_through_however_many_wait(day: OpenDay, settings: Any) -> None:
    today = day(schedule=((0, "failing"), (200, "ok")))
    settings.FETCH_RATES = {today.shop.host: 1000.0}
    today.enqueue(100)
    today.run(until_s=59)
    at_first = len(today.shop.pages())
    assert at_first <= 2 + settings.JOB_CONCURRENCY
    assert today.domain.breaker == "open"
    today.run(until_s=150)

    assert len(today.shop.pages()) == at_first + 1
    today.run()
    assert today.states() == {"completed": 100}


def test_pictures_wait_with_the_domain_and_cost_no_attempt(day: OpenDay) -> None:
    today = day()
    today.enqueue(3)
    today.run()
    today.shop.schedule = ((0, "limited"), (today.shop.now_s + 5, "ok"))
    today.run("process-images")

    assert today.states("process-images") == {"completed": 3}
    assert set(Job.objects.filter(task="process-images").values_list("attempt", flat=True)) == {1}
    assert "slowed" in today.story()


def test_a_picture_that_is_refused_plainly_is_missing_and_no_block(day: OpenDay) -> None:
    today = day()
    today.enqueue(4)
    today.run()
    today.shop.forbidden_paths |= {f"/media/{number}.gif" for number in range(4)}
    today.run("process-images")

    assert today.states("process-images") == {"completed": 4}
    assert today.story() == []


def test_what_a_site_bears_is_counted(day: OpenDay) -> None:
    today = day(schedule=((0, "ok"), (4, "failing")))
    today.enqueue(7)
    today.run(until_s=8)

    domain = Domain.objects.get()
    assert domain.requests == len(today.shop.pages()) + 1  # and robots.txt
    assert 0 < domain.failures < domain.requests
    assert domain.last_code == "catalog.site_failing"
    assert domain.latency_s > 0
