"""What is used of Gemini, counted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from jobs.stats import queue_stats
from marketplace.gemini.errors import GeminiNotSetUp, GeminiPaced, GeminiQuotaExceeded, GeminiRateLimited, GeminiTimeout
from marketplace.gemini.usage import counted, recent_figures, record, sweep_minutes
from marketplace.models import GeminiMinute

pytestmark = pytest.mark.django_db


def test_calls_are_counted_however_they_end() -> None:
    with counted("one", items=64) as use:
        use.tokens, use.answer_tokens, use.cost_micro_usd = 900, 100, 25
    for error in (GeminiRateLimited, GeminiQuotaExceeded, GeminiTimeout, GeminiPaced, GeminiNotSetUp):
        with pytest.raises(error), counted("one", items=64):
            raise error
    record("two", calls=1, items=3)

    figures = queue_stats()["gemini"]
    assert figures["calls_per_min_limit"] == 15
    assert figures["models"]["one"] == {
        "calls_today": 4, "items_today": 64, "tokens_today": 900, "answer_tokens_today": 100,
        "cost_usd_today": 0.000025, "refusals_today": 2, "failures_today": 1, "paced_today": 1, "calls_this_minute": 4,
    }  # fmt: skip
    assert figures["models"]["two"]["items_today"] == 3
    assert GeminiMinute.objects.count() == 2


def test_the_day_is_gemini_s() -> None:
    for hour in (6, 8):  # Los Angeles' midnight is at 8 in winter
        GeminiMinute.objects.create(minute=datetime(2026, 11, 25, hour, tzinfo=UTC), model="one", calls=1)

    figures = recent_figures(now=datetime(2026, 11, 25, 20, tzinfo=UTC))

    assert figures["day_began_at"] == "2026-11-25T00:00:00-08:00"
    assert figures["models"]["one"]["calls_today"] == 1


def test_old_counts_are_swept() -> None:
    for age in (29, 31):
        GeminiMinute.objects.create(minute=timezone.now() - timedelta(days=age), model="one")

    assert (sweep_minutes(), sweep_minutes()) == (1, 0)
