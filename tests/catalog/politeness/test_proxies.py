"""Proxies: one a domain, left for its own faults and never for what a site answers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from catalog.politeness.proxies import Health, ProxyPool, process_pool
from catalog.replies import ProxyFailing, Reply, Request, SiteBlocks, SiteUnreachable
from jobs.errors import JobError
from tests.catalog.fetches import fetch_all
from tests.catalog.politeness.conftest import Day
from tests.sample_shop import Answer, small_site
from tests.shops.forward_proxy import ForwardProxy, forward_proxy

PROXIES = [f"http://proxy-{n}.example:3128" for n in range(4)]
HOSTS = [f"shop-{n}.example" for n in range(200)]


def places(pool: ProxyPool) -> dict[str, str]:
    return {host: str(pool.pick(host)) for host in HOSTS}


def test_a_domain_stays_with_its_proxy_and_the_proxies_share_the_domains() -> None:
    first = places(ProxyPool(PROXIES))
    assert first == places(ProxyPool(PROXIES[::-1]))
    assert min(Counter(first.values()).values()) > 30
    assert ProxyPool([]).pick("shop.example") is None


def test_when_a_proxy_falls_out_only_its_own_domains_move_and_they_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ProxyPool(PROXIES)
    first = places(pool)
    faulty = pool.pick(HOSTS[0])
    for _ in range(2):
        pool.note(faulty, Health.FAULTY)
    moved = {host for host, proxy in places(pool).items() if proxy != first[host]}
    assert moved == {host for host, proxy in first.items() if proxy == str(faulty)}
    faulty.rests_until = 0.0
    assert places(pool) == first


def test_a_proxy_that_does_well_otherwise_bears_a_doubt() -> None:
    pool = ProxyPool(PROXIES)
    proxy = pool.pick(HOSTS[0])
    for _ in range(50):
        pool.note(proxy, Health.WELL)
        pool.note(proxy, Health.DOUBTFUL)
        pool.note(proxy, Health.WELL)
    assert pool.pick(HOSTS[0]) is proxy


def answer(path: str, headers: Mapping[str, str]) -> Answer:
    return (403, {}, b"") if path == "/forbidden" else (200, {"Content-Type": "text/html"}, b"<p>hello</p>")


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.removeprefix("http://")]
        yield address


@pytest.fixture
def proxies(settings: Any) -> Iterator[list[ForwardProxy]]:
    with forward_proxy(user="souk", password="p:w") as first, forward_proxy() as second:
        settings.FETCH_PROXIES = [first.address.replace("p:w", "p%3Aw"), second.address]
        yield [first, second]


def fetch(address: str) -> Reply | JobError:
    (outcome,) = fetch_all([Request(address)])
    return outcome


def test_requests_go_by_the_domains_proxy(site: str, proxies: list[ForwardProxy]) -> None:
    for _ in range(3):
        assert isinstance(fetch(f"{site}/page"), Reply)
    assert sorted(len(proxy.asked) for proxy in proxies) == [0, 3]


def test_a_refusal_moves_no_domain_to_another_proxy(site: str, proxies: list[ForwardProxy]) -> None:
    for _ in range(20):
        assert isinstance(fetch(f"{site}/forbidden"), SiteBlocks)
    assert sorted(len(proxy.asked) for proxy in proxies) == [0, 20]
    assert all(proxy.score == 1.0 for proxy in process_pool()._proxies)


def test_a_faulty_proxy_is_left_and_the_site_is_not_blamed(site: str, proxies: list[ForwardProxy]) -> None:
    fetch(f"{site}/page")
    (its,) = [proxy for proxy in proxies if proxy.asked]
    its.is_broken = True
    outcomes = [fetch(f"{site}/page") for _ in range(4)]
    assert [type(outcome) for outcome in outcomes] == [ProxyFailing, ProxyFailing, Reply, Reply]
    assert "p:w" not in str(outcomes[0])


def test_nothing_private_is_fetched_by_a_proxy_either(proxies: list[ForwardProxy], settings: Any) -> None:
    settings.FETCH_PRIVATE_HOSTS = []
    for address in ("http://127.0.0.1/", "http://localhost:8000/", settings.FETCH_PROXIES[1] + "/"):
        assert not isinstance(fetch(address), Reply | SiteUnreachable)
    assert not any(proxy.asked for proxy in proxies)


@pytest.mark.django_db
def test_a_blocked_domain_is_left_alone_by_all_proxies(day: Callable[..., Day], proxies: list[ForwardProxy]) -> None:
    today = day(schedule=((0, "forbidden"),))
    today.enqueue(4)
    today.run(until_s=300)

    assert today.story()[:3] == ["opened", "probe", "reopened"]
    pages = [[line for line in proxy.asked if "/p/" in line] for proxy in proxies]
    assert sorted(len(asked) for asked in pages) == [0, len(today.shop.pages())]
