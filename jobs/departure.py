"""How a worker leaves in haste: what it holds goes back at once, no attempt spent, nobody suspected."""

from collections import Counter

from django.db import connection, transaction
from django.utils import timezone

from jobs import sql
from jobs.models import Worker

LOCK_PATIENCE_MS = 2_000  # a settlement that is under way may end by itself

_HELD = "SELECT id FROM jobs_job WHERE worker_id = %s AND state = 'running' ORDER BY id FOR UPDATE"
_CANCELLED = "SELECT id FROM jobs_job WHERE id = ANY (%s) AND state = 'cancelled'"


def hand_back(*, worker_id: int, reason: str) -> Counter[str]:
    """End the worker's row and hand back all that it holds; count what is due again by queue.

    A job whose cancellation was asked for is cancelled. From here on what the worker's process may still settle
    is fenced: each lease has grown.

    Raises:
        django.db.Error: PostgreSQL is away, or a settlement holds the rows for too long.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_PATIENCE_MS}")
        cursor.execute(_HELD, [worker_id])
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            sql.GIVE_BACK,
            {"is_suspect": False, "crashes": 0, "is_stalled": False, "ids": ids, "worker": worker_id},
        )
        queues = Counter(row[0] for row in cursor.fetchall())
        cursor.execute(_CANCELLED, [ids])
        cursor.execute(sql.FREE_KEYS, [[row[0] for row in cursor.fetchall()]])
        Worker.objects.filter(pk=worker_id, ended_at=None).update(
            status=Worker.Status.OFFLINE, ended_at=timezone.now(), end_reason=reason, batch=None
        )
    return queues
