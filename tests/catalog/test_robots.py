"""robots.txt: what it forbids, and what its absence means."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from catalog.fetching import FetchSession
from catalog.robots import RobotsForbid, RobotsUnavailable, Rules, forget_rules, origin_of, read_rules, rules_for
from jobs.errors import JobError, RateLimitedError, RetryableError
from tests.sample_shop import Answer, small_site

FORBIDDING = b"User-agent: SoukBot\nDisallow: /private\n"


@pytest.fixture(autouse=True)
def _fresh_rules() -> None:
    forget_rules()


def read(settings: Any, reply: Answer, *, times: int = 1) -> tuple[Rules | JobError, str, Counter[str]]:
    asked: Counter[str] = Counter()

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        asked[path] += 1
        return reply

    async def rules(site: str) -> Rules | JobError:
        async with FetchSession() as session:
            return (await rules_for(session, [f"{site}/a", f"{site}/b"]))[origin_of(site)]

    with small_site(answer) as site:
        settings.FETCH_PRIVATE_HOSTS = [site.removeprefix("http://")]
        for _ in range(times):
            found = asyncio.run(rules(site))
    return found, site, asked


def test_what_robots_txt_forbids_is_not_read(settings: Any) -> None:
    rules, site, _ = read(settings, (200, {"Content-Type": "text/plain"}, FORBIDDING))

    assert isinstance(rules, Rules)
    rules.check(f"{site}/public")
    with pytest.raises(RobotsForbid):
        rules.check(f"{site}/private/1")


@pytest.mark.parametrize(
    "reply",
    [(404, {}, b""), (403, {}, b""), (200, {"Content-Type": "text/html"}, FORBIDDING), (200, {}, b"<html>Disallow: /")],
)
def test_a_missing_or_html_robots_txt_has_no_rules(settings: Any, reply: Answer) -> None:
    rules, site, _ = read(settings, reply)

    assert isinstance(rules, Rules)
    rules.check(f"{site}/private/1")


def test_a_failing_robots_txt_means_later_and_is_asked_again(settings: Any) -> None:
    rules, _, asked = read(settings, (500, {}, b""), times=2)

    assert isinstance(rules, RetryableError)
    assert rules.code == "catalog.robots_unavailable"
    assert asked["/robots.txt"] == 2


@pytest.mark.parametrize(
    ("body", "is_forbidden"),
    [
        (FORBIDDING, True),
        (b"\xef\xbb\xbf" + FORBIDDING, True),
        (FORBIDDING.decode().encode("utf-16"), True),
        (b"# caf\xe9 \xff\xfe\x00\n" + FORBIDDING, True),
        (FORBIDDING.replace(b"\n", b"\r"), True),
        (b"#" * (600 * 1024) + b"\n" + FORBIDDING, True),
        (b"#" * (2 * 1024 * 1024) + b"\n" + FORBIDDING, False),
        (b"User-agent: SoukBot\nDisallow: /p" + b"x" * (2 * 1024 * 1024), False),
        (b"\n <!doctype html>\n" + FORBIDDING, False),
        (b"", False),
        (bytes(range(256)) * 8, False),
    ],
)
def test_whatever_the_bytes_they_are_read_as_utf_8_up_to_a_megabyte(body: bytes, is_forbidden: bool) -> None:
    rules = read_rules(body)

    if is_forbidden:
        with pytest.raises(RobotsForbid):
            rules.check("https://shop.example/private")
    rules.check("https://shop.example/public")
    rules.check("https://shop.example/robots.txt")
    if not is_forbidden:
        rules.check("https://shop.example/private")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("hops", [0, 1, 5])
def test_five_redirects_are_followed_to_the_rules(settings: Any, status: int, hops: int) -> None:
    rules, site = read_behind(settings, status=status, hops=hops)

    assert isinstance(rules, Rules)
    with pytest.raises(RobotsForbid):
        rules.check(f"{site}/private/1")


def test_more_redirects_than_five_mean_that_there_are_no_rules(settings: Any) -> None:
    rules, site = read_behind(settings, status=302, hops=6)

    assert isinstance(rules, Rules)
    rules.check(f"{site}/private/1")


def read_behind(settings: Any, *, status: int, hops: int) -> tuple[Rules | JobError, str]:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        hop = 0 if path == "/robots.txt" else int(path.removeprefix("/hop/"))
        if hop == hops:
            return 200, {"Content-Type": "text/plain"}, FORBIDDING
        return status, {"Location": f"/hop/{hop + 1}"}, b""

    async def rules(site: str) -> Rules | JobError:
        async with FetchSession() as session:
            return (await rules_for(session, [site]))[origin_of(site)]

    with small_site(answer) as site:
        settings.FETCH_PRIVATE_HOSTS = [site.removeprefix("http://")]
        return asyncio.run(rules(site)), site


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 451])
def test_a_4xx_means_that_there_are_no_rules(settings: Any, status: int) -> None:
    rules, _, _ = read(settings, (status, {}, FORBIDDING))

    assert rules == Rules(None)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
def test_a_5xx_means_that_nothing_may_be_read_for_now(settings: Any, status: int) -> None:
    rules, _, _ = read(settings, (status, {}, FORBIDDING))

    assert isinstance(rules, RobotsUnavailable)
    assert isinstance(rules, RetryableError)


def test_a_429_is_a_wait_and_not_a_leave(settings: Any) -> None:
    rules, _, _ = read(settings, (429, {"Retry-After": "7"}, b""))

    assert isinstance(rules, RateLimitedError)
    assert rules.retry_after_s == 7


def test_the_site_says_how_long_to_wait_and_where_its_sitemaps_are(settings: Any) -> None:
    body = FORBIDDING + b"Crawl-delay: 3\nSitemap: /sitemap.xml\n"
    rules, site, _ = read(settings, (200, {"Content-Type": "text/plain"}, body))

    assert isinstance(rules, Rules)
    assert rules.crawl_delay_s == 3
    assert rules.sitemaps == (f"{site}/sitemap.xml",)
    assert (Rules(None).crawl_delay_s, Rules(None).sitemaps) == (None, ())


def test_robots_txt_is_read_once_for_all_pages_of_a_site(settings: Any) -> None:
    _, _, asked = read(settings, (200, {"Content-Type": "text/plain"}, FORBIDDING), times=3)

    assert asked == {"/robots.txt": 1}
