"""The places that worker processes fill: when one dies, the next that its supervisor starts takes its seat."""

import re
import secrets
import socket
from collections.abc import Sequence

from django.conf import settings
from django.db import connection

HOSTNAME = socket.gethostname()
MAX_SEAT_LENGTH = 150
_MARK_LENGTH = 6
_GONE = """
SELECT count(*) FROM jobs_worker
 WHERE starts_with(name, %(seat)s) AND length(name) = %(length)s
   AND started_at > clock_timestamp() - interval '24 hours'
   AND (ended_at IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM pg_locks
                        WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %(lock_class)s::oid
                          AND objid = jobs_worker.id::oid
                          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
"""


def seat_of(queues: Sequence[str]) -> str:
    """Name the seat of a worker of these queues: JOB_WORKER_NAME, or host and queues."""
    every = set(queues) >= set(settings.JOB_QUEUES)
    name = settings.JOB_WORKER_NAME or f"{HOSTNAME}/{'all' if every else '+'.join(queues)}"
    return re.sub(r"[^\w.@:+/-]", "-", name, flags=re.ASCII)[:MAX_SEAT_LENGTH]  # what Redis takes as a client's name


def process_name(seat: str) -> str:
    """Return a name for one process in the seat. RQ refuses a name again while it remembers who died under it."""
    return f"{seat}.{secrets.token_hex(_MARK_LENGTH // 2)}"


def count_restarts(seat: str, *, lock_class: int) -> int:
    """Count the processes that were in the seat before, in the last 24 hours, and hold no lock any more."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE, {"seat": f"{seat}.", "length": len(seat) + 1 + _MARK_LENGTH, "lock_class": lock_class})
        return int(cursor.fetchone()[0])
