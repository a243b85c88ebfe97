"""What changed, shown word by word."""

import pytest

from qc.pages.differences import changes_between, difference


@pytest.mark.parametrize(
    ("before", "after", "html"),
    [
        ("Red lamp", "Red lamp", "Red lamp"),
        ("Red lamp", "Blue lamp", "<del>Red</del><ins>Blue</ins> lamp"),
        ("", "x", "<ins>x</ins>"),
        ("call 1", "", "<del>call 1</del>"),
        ("<b>a</b>", "<b>c</b>", "&lt;b&gt;<del>a</del><ins>c</ins>&lt;/b&gt;"),
    ],
)
def test_words_that_changed_are_marked(before: str, after: str, html: str) -> None:
    assert difference(before, after) == html


def test_long_texts_are_shown_as_wholly_replaced() -> None:
    assert difference("a " * 60_000, "b") == f"<del>{'a ' * 60_000}</del><ins>b</ins>"


def test_only_fields_that_differ_are_told() -> None:
    before = {"title": "Lamp", "price": "20", "pictures": ["a", "b"], "sku": "1"}
    after = {"title": "Lamp", "price": None, "pictures": ["a", "c"], "brand": ""}

    told = [(it.field, str(it.html)) for it in changes_between(before, after)]

    assert told == [
        ("price", "<del>20</del>"),
        ("sku", "<del>1</del>"),
        ("pictures", "a\n<del>b</del><ins>c</ins>"),
    ]
