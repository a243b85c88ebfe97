"""Hosts: what the place of an address is called."""

import pytest

from catalog.hosts import host_of


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://shop.example/a?b#c", "shop.example"),
        ("https://SHOP.example:443/", "shop.example"),
        ("http://shop.example:8080/", "shop.example:8080"),
        ("http://[::1]:81/", "[::1]:81"),
        ("/a/path", ""),
        ("http://shop.example:port/", ""),
        ("https://" + "a" * 256 + "/", ""),
        ("", ""),
    ],
)
def test_a_host_has_its_port_where_that_is_not_the_schemes_own(address: str, host: str) -> None:
    assert host_of(address) == host
