"""The commands probe and discover, with neither database nor Redis, and the pace that they keep."""

import io
import json
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.crawling import crawl
from catalog.paced_reading import Pace, PacedReader
from catalog.replies import SiteFailing, SiteTimeout, TooManyRequests
from catalog.sources.source import Listing, ListPage
from tests.catalog.scraping.markup_shop import MarkupShop
from tests.catalog.scraping.pages_source import PagesSource


def run(*arguments: str) -> Any:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    (line,) = out.getvalue().splitlines()
    return json.loads(line)


def test_probe_tells_who_reads_the_address_and_why(shop: MarkupShop) -> None:
    found = run("probe", f"{shop.site}/")
    assert (found["source"], found["by_address"]) == ("pages", [])
    assert found["evidence"] == [{"source": "pages", "weight": 40, "reason": "its navigation names categories"}]
    assert found["robots"] == {"has_rules": True, "crawl_delay_s": None, "sitemaps": [f"{shop.site}/s.xml"]}
    assert found["sitemaps"] == [f"{shop.site}/s.xml"]
    assert [it["categories"] for it in found["lists"]] == [[["Lamps"]], [["Chairs"]]]
    assert shop.asked == ["/robots.txt", "/"]


def test_discover_finds_the_whole_tree_and_every_product(shop: MarkupShop, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("discover", f"{shop.site}/")
    assert (found["source"], found["is_complete"], found["pages"], found["lists_left"]) == ("pages", True, 3, 0)
    assert [(it["name"], it["count"], it["children"]) for it in found["tree"]] == [("Lamps", 3, []), ("Chairs", 1, [])]
    assert {it["external_id"]: it["categories"] for it in found["products"]} == {
        "pages:1": [["Lamps"]],
        "pages:2": [["Lamps"]],
        "pages:3": [["Lamps"]],
        "pages:4": [["Chairs"]],
    }
    assert "0/2 0 products; reading" in capsys.readouterr().err
    assert not [path for path in shop.asked if path.startswith("/p/")]


def test_discover_stops_at_its_pages_and_says_what_is_left(shop: MarkupShop) -> None:
    found = run("discover", f"{shop.site}/", "--max-pages", "1")
    assert (found["is_complete"], found["pages"], found["lists_left"], len(found["products"])) == (False, 1, 2, 2)
    with pytest.raises(CommandError):
        call_command("discover", f"{shop.site}/", "--max-pages", "0")


def test_a_list_that_is_away_is_a_problem_in_the_answer(shop: MarkupShop) -> None:
    shop.failing = {"/c/lamps"}
    found = run("discover", f"{shop.site}/")
    assert (found["is_complete"], [it["external_id"] for it in found["products"]]) == (False, ["pages:4"])
    assert [(it["address"], it["code"]) for it in found["problems"]] == [
        (f"{shop.site}/c/lamps", "catalog.page_not_found")
    ]


@pytest.mark.parametrize("command", ["probe", "discover"])
def test_an_address_that_cannot_be_read_fails_with_a_remedy(command: str, shop: MarkupShop) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"catalog\.robots_forbid.*Allow SoukBot"):
        call_command(command, f"{shop.site}/private", "--json", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == "catalog.robots_forbid"


def test_people_see_a_tree(shop: MarkupShop, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("discover", f"{shop.site}/")
    call_command("probe", f"{shop.site}/")
    shown = capsys.readouterr().out
    for words in ("Lamps (3)", "4 products, 3 lists read, 0 left", "asks for no pace", "/c/chairs"):
        assert words in shown


class Clock:
    """A clock that moves when somebody rests."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rests: list[float] = []

    def rest(self, for_s: float) -> None:
        self.rests.append(round(for_s, 3))
        self.now += for_s


def pace(clock: Clock, rate: float = 0.5, **how: Any) -> Pace:
    return Pace(rate=lambda _: rate, clock=lambda: clock.now, rest=clock.rest, **how)


def test_each_host_is_asked_at_its_pace() -> None:
    clock = Clock()
    kept = pace(clock)
    for address in ("http://a.example/", "http://a.example/2", "http://b.example/", "http://a.example/3"):
        kept.await_turn(address)
    assert clock.rests == [2, 2]


def test_a_delay_of_one_s_own_only_slows_down() -> None:
    for delay_s, rest_s in ((0.1, 2), (7, 7)):
        clock = Clock()
        kept = pace(clock, delay_s=delay_s)
        kept.await_turn("http://a.example/")
        kept.await_turn("http://a.example/")
        assert clock.rests == [rest_s]


def test_what_a_site_asks_for_is_waited_for_but_not_for_ever(shop: MarkupShop, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [
        TooManyRequests("slow down", retry_after_s=30),
        SiteFailing("ill"),
        TooManyRequests("", retry_after_s=9_999),
    ]
    read = PagesSource.discover

    def discover(self: PagesSource, reader: PacedReader, page: ListPage) -> Listing:
        if errors:
            raise errors.pop(0)
        return read(self, reader, page)

    monkeypatch.setattr(PagesSource, "discover", discover)
    clock = Clock()
    found = crawl(f"{shop.site}/", max_pages=9, pace=pace(clock, rate=1_000.0))
    assert [it["code"] for it in found.problems] == ["catalog.too_many_requests"]
    assert [it["external_id"] for it in found.answer["products"]] == ["pages:4"]
    assert sum(clock.rests) >= 10


def test_no_page_is_asked_for_twice_or_too_late(shop: MarkupShop) -> None:
    with PacedReader(Pace()) as reader:
        assert reader.get(f"{shop.site}/") is reader.get(f"{shop.site}/")
        assert reader.seen(f"{shop.site}/") is not None
        assert reader.seen(f"{shop.site}/about") is None
    assert shop.asked == ["/robots.txt", "/"]
    with PacedReader(Pace(), give_up_at=time.monotonic() - 1) as reader, pytest.raises(SiteTimeout):
        reader.get(f"{shop.site}/")
