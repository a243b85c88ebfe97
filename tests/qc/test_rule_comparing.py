"""What other rules would change, in figures; test_rule_trials.py compares products."""

import pytest

from qc.rule_comparing import sum_up


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({}, "would change no verdict"),
        ({"flagged>approved": 1}, "would change 1 verdict: 1 newly approved"),
        (
            {
                "flagged>approved": 30,
                "approved>rejected": 3,
                "flagged>rejected": 2,
                "approved>flagged": 2,
                "advice": 12,
            },
            "would change 37 verdicts: 30 newly approved, 5 newly rejected, 2 newly flagged; other advice on 12",
        ),
        (
            {"reasons": 2, "words": 1200, "held": 3},
            "would change no verdict; other reasons for 2; other words for 1,200; 3 stay as staff decided",
        ),
    ],
)
def test_figures_are_summed_up(figures: dict[str, int], text: str) -> None:
    assert sum_up(figures) == text
