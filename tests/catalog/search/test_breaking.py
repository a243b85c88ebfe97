"""The circuit breaker: after a failure nobody asks for a while, then one does."""

from catalog.search.breaking import Breaker


def test_after_a_failure_one_asks_once_a_pause() -> None:
    now = [0.0]
    breaker = Breaker(open_s=5.0, clock=lambda: now[0])
    assert breaker.allows()
    assert breaker.allows()

    breaker.failed()
    assert not breaker.allows()
    now[0] = 5.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    now[0] = 10.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
