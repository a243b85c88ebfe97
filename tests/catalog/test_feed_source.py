"""The feed source: what it takes for a feed, and how it looks at one without storing anything."""

from collections.abc import Mapping
from typing import Any

import pytest

from catalog.feeds.contract import FeedUnreadable
from catalog.reading import SiteReader
from catalog.robots import forget_rules
from catalog.sources.feed import FeedSource
from catalog.sources.source import Clues, ListPage
from tests.sample_shop import Answer, small_site

SOURCE = FeedSource()
MERCHANT = '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/lamps.csv",
        "https://shop.example/export/LAMPS.TSV",
        "https://shop.example/lamps.jsonl",
        "https://shop.example/lamps.ndjson.gz",
        "https://shop.example/feeds/google.xml?key=abc",
        "https://shop.example/lamps.json",
    ],
)
def test_a_feed_is_certain_by_the_name_of_its_address(address: str) -> None:
    evidence = SOURCE.probe(Clues(address))

    assert evidence is not None
    assert (evidence.weight, evidence.address) == (100, address)


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/",
        "https://shop.example/lamps.csv/red",
        "https://shop.example/?file=lamps.csv",
        "https://shop.example/sitemap.xml",
        "https://shop.example/sitemap_products_1.xml.gz",
        "https://shop.example/products.json",
        "https://shop.example/lamps.html",
        "https://wa.me/c/447700900100",
        "http://[",
    ],
)
def test_any_other_address_is_no_feed(address: str) -> None:
    assert SOURCE.probe(Clues(address)) is None


@pytest.mark.parametrize(
    ("media_type", "page", "is_feed"),
    [
        ("text/csv; charset=utf-8", "id,title", True),
        ("Text/Tab-Separated-Values", "id\ttitle", True),
        ("application/x-ndjson", "{}", True),
        ("application/xml", MERCHANT, True),
        ("text/html", "\ufeff  " + MERCHANT, True),
        ("application/xml", '<?xml version="1.0"?><!-- made by us --><products><product/></products>', True),
        ("application/xml", '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', False),
        ("application/rss+xml", '<rss version="2.0"><channel><title>Blog</title>', False),
        ("text/html", '<!doctype html><p>xmlns:g="http://base.google.com/ns/1.0"', False),
        ("application/json", '{"products": []}', False),
        ("text/html", "", False),
    ],
)
def test_a_page_is_a_feed_by_its_type_or_by_how_it_begins(media_type: str, page: str, is_feed: bool) -> None:
    clues = Clues("https://shop.example/export", page, {"Content-Type": media_type}, is_fetched=True)

    assert (SOURCE.probe(clues) is not None) is is_feed


def look(settings: Any, body: bytes) -> Any:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        return (404, {}, b"") if path == "/robots.txt" else (200, {"Content-Type": "text/csv"}, body)

    forget_rules()
    with small_site(answer) as site, SiteReader() as reader:
        settings.FETCH_PRIVATE_HOSTS = [site.split("/")[2]]
        (page,) = SOURCE.start(reader, Clues(f"{site}/lamps.csv"))
        return SOURCE.discover(reader, ListPage(page.source, page.address, page.kind))


def test_a_look_at_a_feed_needs_no_database(settings: Any) -> None:
    listing = look(settings, b"id,title,category\n1,Red lamp,Home > Lamps\n,No id,\n2,Blue lamp,\n")

    assert [(found.external_id, found.content.title) for found in listing.products] == [
        ("feed:1", "Red lamp"), ("feed:2", "Blue lamp"),
    ]  # fmt: skip
    assert [[step.name for step in path] for path in listing.products[0].paths] == [["Home", "Lamps"]]
    assert (listing.total, listing.skipped, list(listing.lists)) == (2, {"the row was refused": 1}, [])


def test_a_look_shows_the_first_of_a_long_feed_and_counts_the_rest(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.sources.feed.MAX_LISTED", 3)

    listing = look(settings, b"id,title\n" + b"".join(b"%d,Lamp\n" % number for number in range(8)))

    assert (len(listing.products), listing.total) == (3, 8)
    assert listing.skipped == {"the feed is longer than a look": 5}


def test_what_is_no_feed_says_what_to_do(settings: Any) -> None:
    with pytest.raises(FeedUnreadable, match=r"web page.*Give the address of the feed"):
        look(settings, b"<!doctype html><html><p>Log in</p></html>")
