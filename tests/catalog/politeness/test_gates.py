"""Gates: which keys stand for a host, and at what rate it may be asked."""

from typing import Any

import pytest

from catalog.politeness.gates import gate_keys, gate_of, list_gate_of, list_rate_of, picture_gate_of, rate_of


def test_the_gates_of_an_address_are_those_of_its_host() -> None:
    address = "https://shop.example:8443/a"

    keys = gate_keys("shop.example:8443")

    assert keys == ("domain:shop.example:8443", "lists:shop.example:8443", "pictures:shop.example:8443")
    assert (gate_of(address), list_gate_of(address), picture_gate_of(address)) == keys
    assert {len(key) for key in gate_keys("a" * 255)} == {200}


@pytest.mark.parametrize(
    ("address", "rate", "list_rate"),
    [
        ("http://other.example/", 4.0, 0.5),
        ("http://fast.example/", 50.0, 50.0),
        ("http://fast.example:81/", 50.0, 50.0),
        ("http://slow.example:81/", 0.1, 0.1),
        ("http://slow.example/", 4.0, 0.5),
    ],
)
def test_a_host_is_asked_at_its_own_setting_with_or_without_the_port_else_at_the_general_one(
    settings: Any, address: str, rate: float, list_rate: float
) -> None:
    settings.FETCH_RATE, settings.FETCH_LIST_RATE = 4.0, 0.5
    settings.FETCH_RATES = {"fast.example": 50.0, "slow.example:81": 0.1}

    assert (rate_of(address), list_rate_of(address)) == (rate, list_rate)
