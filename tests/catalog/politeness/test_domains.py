"""Domains as rows: counted by several workers at once, one probe for all of them, gates that follow."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from catalog.politeness import domains
from catalog.politeness.breaker import Circuit, State, after
from catalog.politeness.domains import charge_extra, meet, set_paces, settle_manners
from catalog.politeness.manners import DomainRefuses, Manners, NotAsked
from catalog.politeness.models import Domain, DomainEvent
from catalog.politeness.tally import Sight, Tally
from jobs.models import Gate

SHOP = "https://shop.example/p/1"
HOST = "shop.example"
WORKERS = 4


def in_threads(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def a_batch(*sights: Sight, hold_s: float = 0.0) -> Manners:
    manners = meet([SHOP])
    for sight in sights:
        manners.saw(HOST, sight, latency_s=0.1, hold_s=hold_s, code="test.trouble", message="It broke.")
    return manners


@pytest.mark.django_db(transaction=True)
def test_workers_that_settle_at_once_lose_no_count() -> None:
    def work() -> None:
        for _ in range(10):
            manners = Manners()
            for host in ("a.example", HOST, "z.example"):
                for sight in (Sight.ANSWERED, Sight.FAILING, Sight.ANSWERED):
                    manners.saw(host, sight)
            settle_manners(manners)

    in_threads(work)
    counts = Domain.objects.order_by("host").values_list("host", "requests", "failures")
    assert list(counts) == [(host, WORKERS * 30, WORKERS * 10) for host in ("a.example", HOST, "z.example")]


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_meet_at_once_one_takes_the_probe() -> None:
    settle_manners(a_batch(*[Sight.FAILING] * 3))
    Domain.objects.update(retry_at=timezone.now())
    met: list[Manners] = []
    in_threads(lambda: met.append(meet([SHOP])))

    probing = [manners for manners in met if manners.refusal(SHOP) is None]
    assert len(met) == WORKERS
    assert len(probing) == 1
    assert DomainEvent.objects.filter(kind="probe").count() == 1
    assert isinstance(probing[0].refusal("https://shop.example/p/2"), NotAsked)  # one job, and no more


@pytest.mark.django_db
def test_the_gates_follow_the_breaker() -> None:
    set_paces([SHOP], with_lists=True)
    keys = [f"{kind}:{HOST}" for kind in ("domain", "lists", "pictures")]

    def gates() -> set[tuple[bool, int | None]]:
        rows = Gate.objects.filter(key__in=keys)
        return {(bool(gate.closed_until and gate.closed_until > timezone.now()), gate.max_in_flight) for gate in rows}

    assert gates() == {(False, None)}
    settle_manners(a_batch(*[Sight.BLOCKED] * 3))
    assert gates() == {(True, 1)}
    Domain.objects.update(retry_at=timezone.now())
    probe = a_batch(Sight.ANSWERED)
    assert gates() == {(True, 1)}  # as long as the probe may take
    settle_manners(probe)
    assert gates() == {(False, None)}
    assert list(Gate.objects.order_by("key").values_list("key", "rate_per_s")) == [
        (f"domain:{HOST}", 1.0),
        (f"lists:{HOST}", 0.5),
        (f"pictures:{HOST}", None),
    ]


@pytest.mark.django_db
def test_a_pace_that_was_learned_outlives_a_sync_that_sets_it_anew(settings: Any) -> None:
    settings.FETCH_RATES = {HOST: 10.0}
    settle_manners(a_batch(Sight.LIMITED, hold_s=5))
    set_paces([SHOP], with_lists=True)
    rates = dict(Gate.objects.values_list("key", "rate_per_s"))
    assert rates == {f"domain:{HOST}": 5.0, f"lists:{HOST}": 5.0, f"pictures:{HOST}": 5.0}


@pytest.mark.django_db
def test_robots_crawl_delay_is_the_least_that_is_waited() -> None:
    manners = a_batch(Sight.ANSWERED)
    manners.note_crawl_delays({HOST: 4.0})
    settle_manners(manners)
    assert Gate.objects.get(key=f"domain:{HOST}").rate_per_s == pytest.approx(0.25)
    manners = a_batch(Sight.ANSWERED)
    manners.note_crawl_delays({HOST: 0.0})
    for _ in range(60):
        manners.saw(HOST, Sight.ANSWERED)
    settle_manners(manners)
    assert Gate.objects.get(key=f"domain:{HOST}").rate_per_s == 1.0
    assert DomainEvent.objects.get().kind == "recovered"


@pytest.mark.django_db
def test_a_domain_that_refuses_for_good_opens_its_gates_so_that_nobody_waits() -> None:
    for _ in range(8):
        settle_manners(a_batch(*[Sight.BLOCKED] * 3))
        Domain.objects.update(retry_at=timezone.now())
    Domain.objects.update(retry_at=timezone.now() + timedelta(minutes=5))
    assert isinstance(meet([SHOP]).refusal(SHOP), DomainRefuses)
    assert "It broke." in str(meet([SHOP]).refusal(SHOP))
    gate = Gate.objects.get(key=f"domain:{HOST}")
    assert (gate.closed_until, gate.max_in_flight) == (None, None)
    # An hour later one job asks; until it has, the others wait for it.
    Domain.objects.update(retry_at=timezone.now())
    assert meet([SHOP]).refusal(SHOP) is None
    assert isinstance(meet([SHOP]).refusal(SHOP), NotAsked)
    assert Gate.objects.get(key=f"domain:{HOST}").closed_until is not None


@pytest.mark.django_db
def test_the_story_keeps_its_newest_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "KEPT_EVENTS", 3)
    for hold_s in range(1, 6):
        manners = a_batch()
        manners.saw(HOST, Sight.LIMITED, hold_s=hold_s, message=f"{hold_s} s")
        manners.saw(HOST, Sight.ANSWERED)
        settle_manners(manners)
    messages = list(DomainEvent.objects.values_list("message", flat=True))
    assert [message.rpartition(": ")[2] for message in messages] == ["5 s", "4 s", "3 s"]


def test_without_a_database_what_was_seen_is_lost_and_no_batch_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(domains.transaction, "atomic", away)
    monkeypatch.setattr(domains.connection, "close", lambda: None)
    manners = Manners()
    manners.saw(HOST, Sight.FAILING)
    assert settle_manners(manners) == {}
    assert "not written down" in caplog.text


def test_a_batch_stops_asking_a_host_that_limits_or_refuses_and_after_three_failures() -> None:
    for sights, is_left in [
        ([Sight.LIMITED], True),
        ([Sight.BLOCKED], True),
        ([Sight.FAILING] * 2, False),
        ([Sight.FAILING] * 3, True),
        ([Sight.FAILING] * 3 + [Sight.ANSWERED], False),
    ]:
        manners = Manners()
        for sight in sights:
            manners.saw(HOST, sight)
        assert (manners.refusal(SHOP) is not None) == is_left
        assert manners.refusal("https://other.example/") is None


@pytest.mark.django_db
def test_a_list_pays_for_all_that_it_asked() -> None:
    set_paces([SHOP])
    manners = a_batch(*[Sight.ANSWERED] * 7)
    charge_extra(manners, [SHOP, f"{SHOP}?page=2"])
    assert Gate.objects.get(key=f"domain:{HOST}").tokens == pytest.approx(1 - 5)


def test_pictures_that_come_do_not_hide_that_pages_are_refused() -> None:
    circuit = Circuit()
    for _ in range(3):
        tally = Tally()
        tally.add(Sight.BLOCKED)
        tally.add(Sight.ANSWERED, is_page=False)
        circuit = after(circuit, tally, now=timezone.now())
    assert circuit.state is State.OPEN


@pytest.mark.parametrize(
    "address", ["http://[bad", "http://a\x00b/", "http://x:99999/", "nonsense", "", "//", "http://"]
)
@pytest.mark.django_db
def test_what_is_no_address_is_left_to_the_guard(address: str) -> None:
    manners = meet([address])
    assert manners.refusal(address) is None
    set_paces([address])
    assert settle_manners(manners) == {}
