"""The card: what was found is shown where it stands."""

import pytest

from qc.pages.card import marked, quoted_in


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ("The title offers weapons: “Old gun”.", ["Old gun"]),
        ("The description has a phone number: +44 20 7946 0123", ["+44 20 7946 0123"]),
        ("The title has “a” and “bc”.", ["bc"]),
        ("The title is empty.", []),
    ],
)
def test_what_messages_quote_is_found(message: str, quoted: list[str]) -> None:
    reason = {"field": "title", "message": message}

    assert quoted_in([reason], "title") == quoted
    assert quoted_in([reason], "description") == []


def test_what_is_quoted_is_marked_in_any_case_and_the_rest_escaped() -> None:
    assert marked("<b>OLD gun, old GUN</b>", ["old gun", "b>"]) == (
        "&lt;<mark>b&gt;</mark><mark>OLD gun</mark>, <mark>old GUN</mark>&lt;/<mark>b&gt;</mark>"
    )
    assert marked("a < b", []) == "a &lt; b"
