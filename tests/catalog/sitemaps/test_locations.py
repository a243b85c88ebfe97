"""Addresses and dates as sitemaps write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.sitemaps.locations import LocationRefused, hosts_of_site, read_instant, resolve_location

BASE = "https://shop.example/maps/sitemap.xml"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://shop.example/p/1?a=1&b=2", "https://shop.example/p/1?a=1&b=2"),
        (" \n https://shop.example/p/1 \t", "https://shop.example/p/1"),
        ("https://shop.example/p\n/1", "https://shop.example/p/1"),
        ("/p/1", "https://shop.example/p/1"),
        ("p/1", "https://shop.example/maps/p/1"),
        ("//cdn.example/1.jpg", "https://cdn.example/1.jpg"),
        ("?page=2", "https://shop.example/maps/sitemap.xml?page=2"),
        ("https://SHOP.example/P", "https://shop.example/P"),
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/a#part", "https://shop.example/a"),
        ("https://shop.example/a b", "https://shop.example/a%20b"),
        ("https://shop.example/größe?q=ü", "https://shop.example/gr%C3%B6%C3%9Fe?q=%C3%BC"),
        ("https://shop.example/a%20b%2Fc", "https://shop.example/a%20b%2Fc"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        ("https://A.münchen.example/", "https://a.xn--mnchen-3ya.example/"),
        ("http://shop.example:8080/a", "http://shop.example:8080/a"),
    ],
)
def test_addresses_are_resolved_and_encoded(text: str, address: str) -> None:
    assert resolve_location(text, base=BASE) == address
    assert resolve_location(address, base=BASE) == address


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "sitemap.empty_address"),
        ("  ", "sitemap.empty_address"),
        ("javascript:alert(1)", "sitemap.bad_address"),
        ("ftp://shop.example/a", "sitemap.bad_address"),
        ("file:///etc/passwd", "sitemap.bad_address"),
        ("https://", "sitemap.bad_address"),
        ("https://user:pass@shop.example/", "sitemap.bad_address"),
        ("https://[::1", "sitemap.bad_address"),
        ("https://shop.example:99999/", "sitemap.bad_address"),
        ("https://shop.example/" + "a" * 2000, "sitemap.address_too_long"),
        ("https://shop.example/" + "ü" * 400, "sitemap.address_too_long"),
    ],
)
def test_what_is_no_address_is_refused(text: str, code: str) -> None:
    with pytest.raises(LocationRefused) as refused:
        resolve_location(text, base=BASE)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-05", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
        ("2024-05-06T10:00+02:00", datetime(2024, 5, 6, 8, tzinfo=UTC)),
        ("2024-05-06T10:00:00Z", datetime(2024, 5, 6, 10, tzinfo=UTC)),
        ("2024-05-06T10:00:00.123456789Z", datetime(2024, 5, 6, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2024-05-06 10:00:00", datetime(2024, 5, 6, 10, tzinfo=UTC)),
        ("Tue, 10 Jun 2003 04:00:00 GMT", datetime(2003, 6, 10, 4, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2024-13", None),
        ("0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_become_instants(text: str, instant: datetime | None) -> None:
    assert read_instant(text) == instant


def test_a_site_answers_with_and_without_www() -> None:
    both = frozenset({"shop.example", "www.shop.example"})
    assert hosts_of_site("https://www.shop.example:8080/a") == hosts_of_site("http://shop.example") == both
    assert hosts_of_site("nonsense") == frozenset()


@settings(max_examples=100)
@given(st.text(max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    read_instant(text)
    for candidate in (text, f"https://{text}", f"https://shop.example/{text}"):
        try:
            address = resolve_location(candidate, base=BASE)
        except LocationRefused:
            continue
        assert address.isascii()
        assert resolve_location(address, base=BASE) == address
