"""Things made once: by one of many, whatever becomes of it, and the last one meanwhile."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache

from catalog.search import behind, flights
from catalog.search.breaking import Breaker
from catalog.search.flights import FLIGHT_S, Made, Source, kept_or_made


@pytest.fixture
def key() -> Iterator[str]:
    name = f"test:{uuid4().hex}"
    yield name
    cache.delete_many([name, f"{name}:flight"])


def makes(value: Any, *, calls: list[Any], keep_s: int = 60, may_be_stale: bool = True) -> Callable[[], Made[Any]]:
    def make() -> Made[Any]:
        calls.append(value)
        return Made(value, keep_s=keep_s, may_be_stale=may_be_stale)

    return make


def test_what_is_made_is_kept_for_its_version(key: str) -> None:
    calls: list[Any] = []
    assert kept_or_made(key, version="1", make=makes("a", calls=calls)) == ("a", Source.MISS)
    assert kept_or_made(key, version="1", make=makes("b", calls=calls)) == ("a", Source.HIT)
    assert kept_or_made(key, version="2", make=makes("c", calls=calls)) == ("c", Source.MISS)
    assert calls == ["a", "c"]
    assert cache.get(f"{key}:flight") is None


def test_what_must_not_be_kept_is_not_and_what_fails_is_made_again(key: str) -> None:
    calls: list[Any] = []
    for _ in range(2):
        assert kept_or_made(key, version="1", make=makes("a", calls=calls, keep_s=0)) == ("a", Source.MISS)

    def fails() -> Made[Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept_or_made(key, version="1", make=fails)
    assert kept_or_made(key, version="1", make=makes("b", calls=calls)) == ("b", Source.MISS)


def test_of_many_who_ask_at_once_one_makes_it(key: str) -> None:
    calls: list[Any] = []
    begins = Barrier(8)

    def make() -> Made[Any]:
        calls.append(1)
        time.sleep(0.1)  # so long that all others have asked
        return Made("a", keep_s=60)

    def ask() -> tuple[Any, Source]:
        begins.wait()
        return kept_or_made(key, version="1", make=make)

    with ThreadPoolExecutor(8) as threads:
        answers = [future.result() for future in [threads.submit(ask) for _ in range(8)]]

    assert len(calls) == 1
    assert sorted(answers) == [("a", Source.HIT)] * 7 + [("a", Source.MISS)]


def test_where_the_one_has_died_the_others_make_it_themselves(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "WAIT_S", 0.1)
    cache.set(f"{key}:flight", "of a process that was killed", FLIGHT_S)
    calls: list[Any] = []

    assert kept_or_made(key, version="1", make=makes("a", calls=calls)) == ("a", Source.MISS)
    assert kept_or_made(key, version="1", make=makes("b", calls=calls)) == ("a", Source.HIT)
    assert cache.get(f"{key}:flight") == "of a process that was killed"  # it is not ours to end


def test_where_the_one_has_failed_the_others_do_not_wait_any_longer(key: str) -> None:
    cache.set(f"{key}:flight", "one", FLIGHT_S)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(kept_or_made, key, version="1", make=makes("a", calls=[]))
        cache.delete(f"{key}:flight")
        assert asked.result(timeout=flights.WAIT_S) == ("a", Source.MISS)


def test_while_one_makes_it_anew_the_others_get_the_last(key: str) -> None:
    calls: list[Any] = []
    kept_or_made(key, version="1", make=makes("a", calls=calls))
    cache.set(f"{key}:flight", "one", FLIGHT_S)

    assert kept_or_made(key, version="2", make=makes("b", calls=calls)) == ("a", Source.STALE)
    cache.delete(f"{key}:flight")
    assert kept_or_made(key, version="2", make=makes("b", calls=calls)) == ("b", Source.MISS)


def test_what_is_too_old_or_may_not_be_stale_is_waited_for(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(flights, "WAIT_S", 0.05)
    kept_or_made(key, version="1", make=makes("a", calls=calls, may_be_stale=False))
    cache.set(f"{key}:flight", "one", FLIGHT_S)
    assert kept_or_made(key, version="2", make=makes("b", calls=calls)) == ("b", Source.MISS)

    monkeypatch.setattr(flights, "STALE_S", -1.0)
    assert kept_or_made(key, version="3", make=makes("c", calls=calls)) == ("c", Source.MISS)


def test_behind_a_thread_makes_it_anew_and_nobody_waits(
    key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEARCH_BEHIND = True
    monkeypatch.setattr(behind, "close_old_connections", lambda: None)
    may_go, is_made = Event(), Event()
    kept_or_made(key, version="1", make=makes("a", calls=[]))

    def make() -> Made[Any]:
        may_go.wait(10)
        is_made.set()
        return Made("b", keep_s=60)

    assert [kept_or_made(key, version="2", make=make) for _ in range(3)] == [("a", Source.STALE)] * 3
    may_go.set()
    assert is_made.wait(10)
    deadline = time.monotonic() + 10
    while cache.get(f"{key}:flight") is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept_or_made(key, version="2", make=make) == ("b", Source.HIT)


def test_without_the_cache_everything_is_made(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "cache", RedisCache("redis://127.0.0.1:1/0", {}))
    monkeypatch.setattr(flights, "_breaker", Breaker(open_s=60.0))
    calls: list[Any] = []
    for _ in range(3):
        assert kept_or_made(key, version="1", make=makes("a", calls=calls)) == ("a", Source.MISS)
    assert len(calls) == 3


def test_what_another_release_has_kept_is_made_anew(key: str) -> None:
    cache.set(key, {"hits": []}, 60)
    assert kept_or_made(key, version="1", make=makes("a", calls=[])) == ("a", Source.MISS)


def test_what_is_provisional_is_served_while_a_better_one_is_made_in_peace(
    key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEARCH_BEHIND = True
    monkeypatch.setattr(behind, "close_old_connections", lambda: None)
    is_made = Event()

    def in_peace() -> Made[Any]:
        is_made.set()
        return Made("whole", keep_s=60)

    def in_haste() -> Made[Any]:
        return Made("words alone", keep_s=60, is_provisional=True)

    def ask() -> tuple[Any, Source]:
        return kept_or_made(key, version="1", make=in_haste, make_in_peace=in_peace)

    assert [ask(), ask()] == [("words alone", Source.MISS), ("words alone", Source.STALE)]
    assert is_made.wait(10)
    deadline = time.monotonic() + 10
    while (answer := ask()) != ("whole", Source.HIT):
        assert answer == ("words alone", Source.STALE)
        assert time.monotonic() < deadline


def test_who_waited_takes_what_is_provisional_too(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set(f"{key}:flight", "one", FLIGHT_S)

    def land(pause_s: float) -> None:
        cache.set(key, (flights.NO_VERSION, time.time(), True, "words alone"), 60)
        cache.delete(f"{key}:flight")

    monkeypatch.setattr(flights, "sleep", land)

    assert kept_or_made(key, version="1", make=makes("a", calls=[])) == ("words alone", Source.STALE)


def test_where_too_much_waits_for_the_thread_the_last_is_served_all_the_same(
    key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEARCH_BEHIND = True
    monkeypatch.setattr(flights, "run_behind", lambda _: False)
    calls: list[Any] = []
    kept_or_made(key, version="1", make=makes("a", calls=calls))

    assert [kept_or_made(key, version="2", make=makes("b", calls=calls)) for _ in range(2)] == [("a", Source.STALE)] * 2
    assert calls == ["a"]
    assert cache.get(f"{key}:flight") is None


def test_what_is_provisional_never_takes_the_place_of_a_whole_one(key: str) -> None:
    kept_or_made(key, version="1", make=makes("whole", calls=[]))

    def in_haste() -> Made[Any]:
        return Made("words alone", keep_s=60, is_provisional=True)

    assert kept_or_made(key, version="2", make=in_haste) == ("words alone", Source.MISS)
    assert kept_or_made(key, version="1", make=makes("b", calls=[])) == ("whole", Source.HIT)
