"""Gates: jobs with a key wait as `gated` until the key's pace lets them pass."""

from collections import Counter
from typing import Any

from django.db import connection, transaction

from jobs import sql
from jobs.models import Gate

MAX_PASSED_A_TICK = 5_000


def set_gate(key: str, *, rate_per_s: float, burst: float = 1) -> None:
    """Set the pace of a key: `rate_per_s` jobs a second, `burst` of them at once after a rest.

    Setting the same again changes nothing, so that callers need not ask first.
    """
    Gate.objects.bulk_create(
        [Gate(key=key, rate_per_s=rate_per_s, burst=burst, tokens=burst)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["rate_per_s", "burst"],
    )


def override_gate(key: str, *, rate_per_s: float | None, burst: float | None = None) -> None:
    """Put staff's pace before the declared one; None takes it away."""
    Gate.objects.update_or_create(key=key, defaults={"staff_rate_per_s": rate_per_s, "staff_burst": burst})


def pause(key: str) -> None:
    """Let nothing pass."""
    Gate.objects.update_or_create(key=key, defaults={"is_paused": True})


def resume(key: str) -> None:
    """Let jobs pass again, at the gate's pace."""
    Gate.objects.filter(key=key).update(is_paused=False)


def pass_gates() -> Counter[str]:
    """Let through what the pace of each key allows, in order of priority; count what became due, by queue."""
    passed: Counter[str] = Counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.REFILL_GATES)
        for key, tokens in cursor.fetchall():
            if tokens >= 1:
                queues = _pass(cursor, key, int(tokens))
                cursor.execute(sql.SPEND_TOKENS, [queues.total(), key])
                passed += queues
        cursor.execute(sql.OPEN_MISSING_GATES, [MAX_PASSED_A_TICK])
        passed += Counter(row[0] for row in cursor.fetchall())
    return passed


def _pass(cursor: Any, key: str, count: int) -> Counter[str]:
    cursor.execute(sql.OPEN_GATE, [key, min(count, MAX_PASSED_A_TICK)])
    return Counter(row[0] for row in cursor.fetchall())
