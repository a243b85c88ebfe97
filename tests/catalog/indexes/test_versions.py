"""The version of the index: it grows at most once in a window, for every change, and at once for staff."""

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from catalog import index
from catalog.indexes.versions import ChangesKnown, version_in, with_change


@pytest.mark.parametrize(
    ("changes", "window", "version"),
    [
        ([], 7, 0),
        ([5], 5, 0),  # its window is not over
        ([5], 6, 5),
        ([5], 99, 5),  # nobody has to be alive meanwhile
        ([5, 5, 5], 6, 5),
        ([5, 6], 6, 5),  # while changes go on, the window before counts
        ([5, 6], 7, 6),
        ([5, 9], 9, 5),
        ([5, 9], 10, 9),
        ([5, 6, 7, 8], 8, 7),
        ([9, 5], 10, 9),  # a clock that was put back takes nothing back
    ],
)
def test_a_version_is_the_last_window_that_is_over_and_had_a_change(
    changes: list[int], window: int, version: int
) -> None:
    known = ChangesKnown()
    for changed in changes:
        known = with_change(changed, known)

    assert version_in(window, known) == version


@given(st.lists(st.integers(1, 30)))
def test_each_change_makes_another_version_when_its_window_is_over_and_none_before(windows: list[int]) -> None:
    known, seen = ChangesKnown(), [0]
    changed = set(windows)
    for window in range(1, 33):
        assert version_in(window, known) == seen[-1] or window - 1 in changed
        seen.append(version_in(window, known))
        if window in changed:
            for _ in range(windows.count(window)):
                known = with_change(window, known)
        assert version_in(window, known) == seen[-1]  # no change is seen within its own window
        assert (seen[-1] != seen[-2]) == (window - 1 in changed)


def test_staffs_acts_count_at_once_and_above_all_windows() -> None:
    known = ChangesKnown(latest=5, before=3)

    assert version_in(5, ChangesKnown(latest=5, before=3, acts=1)) > version_in(999, known)


@pytest.mark.django_db
def test_what_is_noted_outlives_a_rollback() -> None:
    changes, version = index.changes(), index.current_version()

    with pytest.raises(RuntimeError), transaction.atomic():
        index.bump_version(at_once=True)
        raise RuntimeError

    assert index.changes() == changes + 1
    assert index.current_version() > version
