"""Rows of XML, Google's and other shops'."""

import io

from catalog.feeds.contract import FeedRow
from catalog.feeds.opening import open_feed


def rows(text: str) -> list[object]:
    with open_feed(io.BytesIO(text.encode())) as feed:
        return [row.data if isinstance(row, FeedRow) else (row.code, row.line) for row in feed.rows()]


def test_googles_names_count_more_than_the_formats_own() -> None:
    assert rows(
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://base.google.com/ns/1.0"><entry><id>urn:1</id><m:id>7</m:id>'
        '<title>Plain</title><m:title>Rich</m:title><link rel="self" href="/s"/><link href="/p"/>'
        "<m:shipping><m:price>5 USD</m:price></m:shipping><m:image>1</m:image><m:image>2</m:image></entry></feed>"
    ) == [{"id": "7", "title": "Rich", "link": "/p", "shipping price": "5 USD", "image": ["1", "2"]}]


def test_other_shops_documents_are_rows_too() -> None:
    assert rows(
        '<yml_catalog><shop><offers><offer id="7" available="true"><name>Стол</name><param name="Цвет">белый</param>'
        "<picture>a</picture></offer></offers></shop></yml_catalog>"
    ) == [{"id": "7", "available": "true", "name": "Стол", "Цвет": "белый", "picture": "a"}]


def test_a_break_costs_one_row_and_is_named_with_its_line() -> None:
    assert rows("<rss>\n<item><id>1</id></item>\n<item><id>2</di></item>\n<item><id>3</id></item></rss>") == [
        {"id": "1"},
        ("feed.broken", 3),
        {"id": "3"},
    ]
    assert rows("<rss><item><id>1</id></item><item><id>2") == [{"id": "1"}, ("feed.cut_short", 1)]


def test_entities_of_its_own_are_refused() -> None:
    assert rows('<!DOCTYPE r [<!ENTITY a "x">]><rss><item><id>&a;</id></item></rss>') == [("feed.own_grammar", 1)]
