"""A page's addresses: what is in full stays as it is, and all else is joined as urllib does."""

from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.extraction.document import Document, absolute

BASE = "https://shop.example/p/lamp?colour=red"


@given(st.text(alphabet="ab.-:/?#;=&%@é1", max_size=24))
@example("/a/../b")
@example("/p?")
@example("/p#")
@example("/a;?b")
def test_an_address_in_full_is_what_joining_it_makes(rest: str) -> None:
    address = f"https://shop.example{rest}"
    try:
        joined = urljoin(BASE, address)
    except ValueError:
        joined = ""

    assert absolute(address, BASE) in (joined, "")


@pytest.mark.parametrize(
    ("address", "full"),
    [
        ("lamp.jpg", "https://shop.example/p/lamp.jpg"),
        ("//cdn.example/a.jpg?w=1", "https://cdn.example/a.jpg?w=1"),
        ("http://cdn.example:8080/a b.jpg", "http://cdn.example:8080/a b.jpg"),
        ("https://cdn.example", "https://cdn.example"),
        ("https:///a.jpg", "https://shop.example/a.jpg"),
        ("data:image/png;base64,AA", ""),
        ("http://[", ""),
    ],
)
def test_an_address_is_full_or_none(address: str, full: str) -> None:
    assert absolute(address, BASE) == full


def test_what_speaks_to_machines_is_told_once_and_in_order() -> None:
    page = '<meta name=a content=1><base href="/shop/"><p itemscope itemprop=offers><link rel=canonical href=lamp>'

    document = Document(page, BASE)

    assert [one.tag for one in document.told] == ["meta", "base", "p", "link"]
    assert document.canonical == "https://shop.example/shop/lamp"
