"""The pace: it follows the site, never beyond the settings, and comes back slowly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.politeness.pace import LONGEST_DELAY_S, Pace, adapted
from catalog.politeness.tally import Sight, Tally


def seen(*sights: Sight, latency_s: float = 0.1) -> Tally:
    tally = Tally()
    for sight in sights:
        tally.add(sight, latency_s=latency_s)
    return tally


OK = seen(Sight.ANSWERED)


@pytest.mark.parametrize(
    ("pace", "tally", "base_s", "crawl_delay_s", "delay_s"),
    [
        (Pace(), OK, 1.0, 0.0, 0.0),  # the settings' pace
        (Pace(), seen(Sight.ANSWERED, latency_s=3.0), 1.0, 0.0, 3.0),  # one request under way
        (Pace(), seen(Sight.ANSWERED, latency_s=0.5), 0.01, 0.0, 0.0),  # a hundred a second bear half a second
        (Pace(), seen(Sight.ANSWERED, latency_s=2.0), 0.01, 0.0, 0.02),
        (Pace(), OK, 1.0, 5.0, 5.0),  # robots.txt
        (Pace(), OK, 0.001, 0.5, 0.5),  # also before a setting for the domain
        (Pace(), OK, 1.0, 0.5, 0.0),
        (Pace(), OK, 1.0, 86_400.0, 60.0),
        (Pace(), seen(Sight.LIMITED), 1.0, 0.0, 2.0),
        (Pace(2.0), seen(Sight.LIMITED, Sight.LIMITED), 1.0, 0.0, 4.0),
        (Pace(), seen(Sight.LIMITED), 1.0, 5.0, 10.0),
        (Pace(50.0), seen(Sight.LIMITED), 1.0, 0.0, 60.0),
        (Pace(), seen(Sight.LIMITED), 100.0, 0.0, 0.0),  # the setting is slower than the cap
        (Pace(4.0), seen(Sight.FAILING), 1.0, 0.0, 4.0),
        (Pace(4.0), seen(Sight.ANSWERED, Sight.FAILING), 1.0, 0.0, 4.0),  # never down on an error
        (Pace(4.0), OK, 1.0, 0.0, 3.88),
        (Pace(1.01), OK, 1.0, 0.0, 0.0),
    ],
)
def test_the_delay_follows_what_was_seen(
    pace: Pace, tally: Tally, base_s: float, crawl_delay_s: float, delay_s: float
) -> None:
    assert adapted(pace, tally, base_s=base_s, crawl_delay_s=crawl_delay_s).delay_s == pytest.approx(delay_s)


def test_the_latency_is_smoothed_and_an_error_says_nothing_of_it() -> None:
    pace = adapted(Pace(latency_s=1.0), seen(Sight.ANSWERED, latency_s=2.0), base_s=1.0, crawl_delay_s=0.0)
    assert pace.latency_s == pytest.approx(1.3)
    assert adapted(pace, seen(Sight.FAILING), base_s=1.0, crawl_delay_s=0.0).latency_s == pace.latency_s


def test_half_of_what_a_429_added_is_gone_after_some_twenty_clean_requests() -> None:
    pace = adapted(Pace(8.0), seen(Sight.LIMITED), base_s=1.0, crawl_delay_s=0.0)
    requests = 0
    while pace.delay_s > 8.0:
        pace = adapted(pace, OK, base_s=1.0, crawl_delay_s=0.0)
        requests += 1
    assert requests == 23


@given(
    delay_s=st.floats(0, 100),
    latency_s=st.floats(0, 100),
    base_s=st.floats(0.0001, 100),
    crawl_delay_s=st.floats(0, 1e6),
    sights=st.lists(st.sampled_from(Sight), max_size=20),
)
@settings(max_examples=100)
def test_it_is_never_quicker_than_the_settings_nor_slower_than_a_minute(
    delay_s: float, latency_s: float, base_s: float, crawl_delay_s: float, sights: list[Sight]
) -> None:
    pace = adapted(Pace(delay_s, latency_s), seen(*sights), base_s=base_s, crawl_delay_s=crawl_delay_s)
    assert pace.delay_s == 0 or base_s <= pace.delay_s <= max(LONGEST_DELAY_S, base_s, delay_s)
    if set(sights) & {Sight.FAILING, Sight.BLOCKED, Sight.LIMITED}:
        assert (pace.delay_s or base_s) * 1.02 >= min(delay_s, LONGEST_DELAY_S)
