"""How long searches wait for the index."""

from catalog.ranking.patience import SHORT_S, USUAL_S, Patience


def test_after_late_answers_in_a_row_the_wait_is_short_until_one_comes_in_time() -> None:
    patience = Patience()
    waits = []
    for took_s in (5.0, 5.0, 0.01, 5.0, 5.0, 5.0, 5.0, 0.19, 0.01):
        patience.answered(took_s=took_s)
        waits.append(patience.wait_s)

    assert waits == [USUAL_S] * 5 + [SHORT_S] * 2 + [USUAL_S] * 2


def test_an_index_that_hangs_until_its_time_is_up_is_late_too() -> None:
    patience = Patience()
    for _ in range(3):
        patience.answered(took_s=0.0, is_error=True)

    assert patience.wait_s == SHORT_S
