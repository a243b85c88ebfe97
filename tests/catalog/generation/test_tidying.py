"""Plain text out of what a model wrote."""

import pytest

from catalog.generation.tidying import MAX_CHARS, tidy_line, tidy_text


@pytest.mark.parametrize(
    ("written", "tidy"),
    [
        ("  A   lamp.\r\n\r\n\r\n\r\nOf brass. ", "A lamp.\n\nOf brass."),
        ("<p>A <b>lamp</b> &amp; shade</p>", "A lamp & shade"),
        ("## Lamp\n**Solid** brass", "Lamp\nSolid brass"),
        ("zero\u200bwidth\u202e and \x00NUL", "zerowidth and NUL"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
    ],
)
def test_mark_up_and_what_cannot_be_seen_is_left_out(written: str, tidy: str) -> None:
    assert tidy_text(written) == tidy


def test_a_line_is_one_line_and_a_long_text_ends_at_a_word() -> None:
    assert tidy_line("A lamp\nof brass") == "A lamp of brass"
    assert tidy_text("lamp " * MAX_CHARS) == ("lamp " * (MAX_CHARS // 5)).strip()
