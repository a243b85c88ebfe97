"""What is used of Gemini: calls, inputs, tokens and refusals, by model and minute."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum
from django.db.models.functions import Now, TruncMinute
from django.utils import timezone

from jobs.errors import JobError, QuotaExceededError, RateLimitedError
from marketplace.gemini.errors import GeminiNotSetUp, GeminiPaced
from marketplace.models import GeminiMinute

KEPT = timedelta(days=30)
QUOTA_DAY = ZoneInfo("America/Los_Angeles")  # Gemini's quotas of a day begin anew at midnight there
COUNTS = ("calls", "items", "tokens", "answer_tokens", "cost_micro_usd", "refusals", "failures", "paced")
MICRO = 1_000_000

_COUNT = f"""
INSERT INTO marketplace_geminiminute AS known
       (minute, model, process_id, {", ".join(COUNTS)})
VALUES (date_trunc('minute', clock_timestamp()), %s, %s, {", ".join(["%s"] * len(COUNTS))})
ON CONFLICT (minute, model, process_id) DO UPDATE
   SET {", ".join(f"{name} = known.{name} + excluded.{name}" for name in COUNTS)}
"""  # noqa: S608 of our own names


@dataclass(slots=True)
class Use:
    """What one call uses; who makes the call says what it cost."""

    items: int
    tokens: int = 0
    answer_tokens: int = 0
    cost_micro_usd: int = 0

    @property
    def spent(self) -> dict[str, int]:
        """What it cost, whatever came of it."""
        return {
            "tokens": self.tokens,
            "answer_tokens": self.answer_tokens,
            "cost_micro_usd": self.cost_micro_usd,
        }


@contextmanager
def counted(model: str, *, items: int) -> Iterator[Use]:
    """Count one call of Gemini, however it ends; needs a database connection.

    Args:
        model: its name.
        items: how many inputs are sent.
    """
    use = Use(items)
    try:
        yield use
    except GeminiNotSetUp:
        raise
    except GeminiPaced:
        record(model, paced=1)
        raise
    except (RateLimitedError, QuotaExceededError):
        record(model, calls=1, refusals=1)
        raise
    except JobError:
        record(model, calls=1, failures=1, **use.spent)
        raise
    record(model, calls=1, items=use.items, **use.spent)


def record(model: str, **counts: int) -> None:
    """Add to the counts of this minute; each process has a row of its own, so that none waits for another."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [model, _process_id(os.getpid()), *(counts.get(name, 0) for name in COUNTS)])


@lru_cache(maxsize=1)
def _process_id(pid: int) -> int:
    """Return a number that no other process has, on whichever host."""
    return secrets.randbits(62)


def recent_figures(*, now: datetime | None = None) -> dict[str, Any]:
    """Return what each model was used for, this minute and since Gemini's midnight, beside what is allowed."""
    midnight = day_began_at(now or timezone.now())
    rows = (
        GeminiMinute.objects.filter(minute__gte=midnight)
        .values("model")
        .annotate(
            **{f"{name}_today": Sum(name) for name in COUNTS},
            calls_this_minute=Sum("calls", filter=Q(minute=TruncMinute(Now())), default=0),
        )
        .order_by("model")
    )
    models: dict[str, dict[str, Any]] = {row["model"]: {**row} for row in rows}
    for figures in models.values():
        del figures["model"]
        figures["cost_usd_today"] = figures.pop("cost_micro_usd_today") / MICRO
    return {
        "day_began_at": midnight.isoformat(),
        "calls_per_min_limit": settings.GEMINI_REQUESTS_PER_MIN,
        "day_budget_usd": settings.GEMINI_DAY_BUDGET_USD,
        "spent_usd_today": sum(figures["cost_usd_today"] for figures in models.values()),
        "models": models,
    }


def spent_usd(*, now: datetime | None = None) -> float:
    """Return what was spent since Gemini's midnight."""
    minutes = GeminiMinute.objects.filter(minute__gte=day_began_at(now or timezone.now()))
    return float(minutes.aggregate(spent=Sum("cost_micro_usd", default=0))["spent"] / MICRO)


def day_began_at(now: datetime) -> datetime:
    """Return the last midnight of Gemini's."""
    return now.astimezone(QUOTA_DAY).replace(hour=0, minute=0, second=0, microsecond=0)


def sweep_minutes() -> int:
    """Delete the counts that are old; return how many rows that were."""
    return GeminiMinute.objects.filter(minute__lt=Now() - KEPT).delete()[0]
