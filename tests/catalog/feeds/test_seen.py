"""Names are remembered with their first row."""

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.feeds.seen import SeenNames


@settings(max_examples=50)
@given(st.lists(st.text(max_size=3), max_size=200))
def test_the_first_row_of_a_name_is_known(names: list[str]) -> None:
    seen = SeenNames()
    first: dict[str, int] = {}
    for row, name in enumerate(names, start=1):
        assert seen.first_row(name, row) == first.setdefault(name, row)
    assert len(seen) == len(first)


def test_the_table_grows() -> None:
    seen = SeenNames()
    assert all(seen.first_row(f"n{row}", row) == row for row in range(1, 20_001))
    assert all(seen.first_row(f"n{row}", 99_999) == row for row in range(1, 20_001, 7))
    assert len(seen) == 20_000
