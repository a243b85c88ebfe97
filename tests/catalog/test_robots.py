"""robots.txt: what it forbids, and what its absence means."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from catalog.fetching import FetchSession
from catalog.robots import RobotsForbid, Rules, forget_rules, origin_of, rules_for
from jobs.errors import JobError, RetryableError
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


def test_robots_txt_is_read_once_for_all_pages_of_a_site(settings: Any) -> None:
    _, _, asked = read(settings, (200, {"Content-Type": "text/plain"}, FORBIDDING), times=3)

    assert asked == {"/robots.txt": 1}
