"""Occasions: what keeps the jobs of one product on several of them apart."""

from typing import Any

import pytest

from catalog.occasions import occasion_of, payload_of_next


@pytest.mark.parametrize(
    ("payload", "occasion"),
    [
        ({"sync": 3, "product": 7}, "3:7"),
        ({"sync": 3, "product": 7, "recheck": 5}, "recheck-5:7"),
        ({"sync": None, "product": 7, "edit": "9-accepted"}, "edit-9-accepted:7"),
        ({"sync": "edit-9-accepted", "product": 7}, "edit-9-accepted:7"),  # as edits were enqueued before
    ],
)
def test_an_occasion_is_named_once_and_handed_on(payload: dict[str, Any], occasion: str) -> None:
    assert occasion_of(payload) == occasion
    assert payload_of_next({**payload, "repair": True}) == payload
