"""The pace of a domain: how long between two requests, learned from how it answers. Pure.

As Scrapy's AutoThrottle (docs.scrapy.org, "AutoThrottle extension"): the delay follows the latency over the target
concurrency, smoothed, and never falls on an error. Unlike it, a 429 doubles the delay, and what was raised comes down
slowly. It is never shorter than the setting's, nor than the crawl-delay of robots.txt.
"""

from dataclasses import dataclass

from catalog.politeness.tally import Tally

LONGEST_DELAY_S = 60.0
LONGEST_CRAWL_DELAY_S = 60.0  # a longer one would take weeks for a catalog
NEW_LATENCY_SHARE = 0.3
EASING = 0.97  # a clean request: half the delay after 23 of them
SAME = 1.02


@dataclass(frozen=True, slots=True)
class Pace:
    """What was learned. delay_s: 0 where the setting's pace holds. latency_s: smoothed."""

    delay_s: float = 0.0
    latency_s: float = 0.0


def adapted(pace: Pace, seen: Tally, *, base_s: float, crawl_delay_s: float) -> Pace:
    """Return the pace after what one batch saw.

    Args:
        pace: as learned until now.
        seen: what the batch saw.
        base_s: between two requests by the settings: never shorter.
        crawl_delay_s: what robots.txt asks for, 0 for nothing: never shorter, up to LONGEST_CRAWL_DELAY_S.
    """
    floor_s = max(base_s, min(crawl_delay_s, LONGEST_CRAWL_DELAY_S))
    latency_s = _smoothed(pace.latency_s, seen)
    # As many requests under way as the setting has when an answer takes a second: one, at one request a second.
    target_s = max(floor_s, min(latency_s / max(1.0, 1.0 / base_s), LONGEST_DELAY_S))
    now_s = max(pace.delay_s, floor_s)
    if seen.limits:
        delay_s = max(target_s, min(now_s * 2, LONGEST_DELAY_S), floor_s)
    elif seen.troubles:
        delay_s = max(now_s, target_s)
    else:
        delay_s = max(target_s, now_s * EASING**seen.successes)
    return Pace(delay_s=0.0 if delay_s <= base_s * SAME else delay_s, latency_s=latency_s)


def _smoothed(latency_s: float, seen: Tally) -> float:
    if not seen.successes:
        return latency_s
    if not latency_s:
        return seen.latency_s
    return latency_s * (1 - NEW_LATENCY_SHARE) + seen.latency_s * NEW_LATENCY_SHARE
