"""How a site's own search is found, and what a page of results is taken to link to."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.ratings import read_rating
from catalog.scraping.site_search import SearchNotFound, find_search, next_page_of, read_description, read_results

PAGE = "https://shop.example/find?what=lamp"


@pytest.mark.parametrize(
    ("markup", "address", "evidence"),
    [
        ('<form action="/s"><input type="search" name="k"></form>', "https://shop.example/s?k=red+lamp", "form"),
        ('<form role=search><input name="zoek"></form>', "https://shop.example/?zoek=red+lamp", "form"),
        ('<search><form action="s?a=1"><input name="q"></form></search>',
         "https://shop.example/s?a=1&q=red+lamp", "form"),
        ('<form><input type=hidden name=post_type value=product><input type=text name=s></form>',
         "https://shop.example/?post_type=product&s=red+lamp", "form"),
        ('<script type="application/ld+json">{"@type":"WebSite","potentialAction":{"@type":"SearchAction",'
         '"target":"https://shop.example/x?q={search_term_string}"}}</script>',
         "https://shop.example/x?q=red+lamp", "json-ld"),
        ('<form method="post"><input type="search" name="k"></form><form><input name="q"></form>',
         "https://shop.example/?q=red+lamp", "form"),
    ],
)  # fmt: skip
def test_a_search_is_found_by_markup_or_form(markup: str, address: str, evidence: str) -> None:
    way = find_search(f"<html><body>{markup}</body></html>", "https://shop.example/")
    assert (way.address_for("red lamp"), way.evidence) == (address, evidence)


@pytest.mark.parametrize(
    "markup",
    [
        "",
        '<form><input type="email" name="q"></form>',
        '<form><input name="email"><input name="password" type="password"></form>',
        '<form method="post"><input type="search" name="k"></form>',
        '<script type="application/ld+json">{"@type":"SearchAction","target":"https://shop.example/"}</script>',
        '<script type="application/ld+json">{broken</script>',
    ],
)
def test_what_is_no_search_is_not_taken_for_one(markup: str) -> None:
    with pytest.raises(SearchNotFound):
        find_search(f"<html><body>{markup}</body></html>", "https://shop.example/")


def test_an_opensearch_description_names_the_address_for_pages() -> None:
    xml = (
        b'<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
        b'<Url type="application/rss+xml" template="https://shop.example/rss?q={searchTerms}"/>'
        b'<Url type="text/html" template="/s?q={searchTerms}&amp;p={startPage?}"/></OpenSearchDescription>'
    )
    way = read_description(xml, "https://shop.example/os.xml")
    assert way.address_for("red lamp") == "https://shop.example/s?q=red+lamp&p="


def test_a_description_that_defines_entities_gives_none_of_them() -> None:
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    bomb = entities + b'<x><Url type="text/html" template="&b;"/></x>'
    with pytest.raises(SearchNotFound):
        read_description(bomb, "https://shop.example/os.xml")


def test_results_leave_out_navigation_and_what_every_page_links_to() -> None:
    html = (
        '<nav><a href="/p/9">Lamp of the day</a></nav><header><a href="/cart">Cart</a></header>'
        '<main><a href="/p/1">Red lamp</a><a href="/p/2"><img></a><a href="/about">About us</a>'
        '<a href="/p/3">Blue LAMP</a><a href="https://other.example/p/4">Lamp</a><a href="?what=lamp&page=2">2</a>'
        '<a href="mailto:a@shop.example">Lamp</a></main><footer><a href="/terms">Terms</a></footer>'
    )
    elsewhere = ["https://shop.example/about", "https://shop.example/p/3"]
    found = read_results(html, PAGE, query="lamp", elsewhere=elsewhere)
    assert [(it.address[20:], it.text) for it in found] == [("/p/1", "Red lamp"), ("/p/2", ""), ("/p/3", "Blue LAMP")]


def test_an_item_list_says_which_links_are_results() -> None:
    entries = [
        {"@type": "ListItem", "url": "/p/1"},
        {"item": {"@id": "https://shop.example/p/2", "name": "Lamp"}},
        "/p/1",
    ]
    listed = json.dumps({"@type": "ItemList", "itemListElement": entries})
    html = f'<script type="application/ld+json">{listed}</script><a href="/about">About</a>'
    assert [it.address for it in read_results(html, PAGE, query="lamp")] == [
        "https://shop.example/p/1",
        "https://shop.example/p/2",
    ]


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ('<link rel="next" href="/find?what=lamp&amp;page=2">', "https://shop.example/find?what=lamp&page=2"),
        ('<a rel="nofollow next" href="?page=2">', "https://shop.example/find?page=2"),
        (f'<a rel="next" href="{PAGE}">', ""),
        ('<a rel="next" href="https://other.example/">', ""),
        ('<a rel="prev" href="?page=1">', ""),
    ],
)
def test_the_next_page_is_what_the_page_calls_next(html: str, address: str) -> None:
    assert next_page_of(html, PAGE) == address


@pytest.mark.parametrize(
    ("html", "rating"),
    [
        ('<script type="application/ld+json">{"@graph":[{"@type":["Product"],"aggregateRating":'
         '{"ratingValue":4.4,"reviewCount":"89"}}]}</script>', ("4.4", "5", 89, "json-ld")),
        ('<div itemprop="aggregateRating"><meta itemprop="bestRating" content="10"><b itemprop="ratingValue">8,7</b>'
         '<i itemprop="ratingCount">3</i></div>', ("8.7", "10", 3, "microdata")),
        ('<script type="application/ld+json">{"@type":"Organization","aggregateRating":{"ratingValue":4}}</script>',
         None),
        ('<script type="application/ld+json">{"@type":"Product","aggregateRating":{"ratingValue":"good"}}</script>',
         None),
        ("", None),
    ],
)  # fmt: skip
def test_a_rating_is_the_product_s_own(html: str, rating: tuple[str, str, int, str] | None) -> None:
    found = read_rating(html)
    assert (found and (str(found.value), str(found.best), found.count, found.evidence)) == rating


PIECES = [*"<>/=\"'{}[]:, \n@&#;?ahnotype", "<form>", "<input name=q>", "<a href=", "rel=next", '"@type":']
MARKUP = (
    st.lists(st.sampled_from(PIECES), max_size=60)
    .map("".join)
    .map(lambda text: f'<script type="application/ld+json">{text}</script><a href="{text}">{text}</a>')
)


@settings(max_examples=150)
@given(MARKUP)
def test_no_markup_raises_anything_of_another_s(html: str) -> None:
    read_rating(html)
    read_results(html, PAGE, query="lamp")
    next_page_of(html, PAGE)
    try:
        find_search(html, PAGE)
        read_description(html.encode(), PAGE)
    except SearchNotFound:
        pass
