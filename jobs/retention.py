"""What the ledger forgets, in small steps, so that nobody waits for it."""

from datetime import datetime

from django.db import connection, transaction

JOBS_A_STEP = 1_000

# Kept while something still counts on them: an open group, a job that waits.
_CLEAN_COMPLETED = """
WITH old AS (
SELECT id FROM jobs_job job
 WHERE state = 'completed' AND finished_at < %(before)s
   AND NOT EXISTS (SELECT 1 FROM jobs_jobgroup WHERE name = job.grp AND final_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM jobs_jobdependency WHERE on_id = job.id)
   AND NOT EXISTS (SELECT 1 FROM jobs_deadletter WHERE job_id = job.id)
 ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
attempts AS (DELETE FROM jobs_jobattempt WHERE job_id IN (SELECT id FROM old)),
lines AS (DELETE FROM jobs_jobline WHERE job_id IN (SELECT id FROM old))
DELETE FROM jobs_job WHERE id IN (SELECT id FROM old)
"""


def clean_completed(*, before: datetime) -> int:
    """Delete the jobs that were completed before then, with their attempts and lines; return how many."""
    total = 0
    while count := _clean_step(before):
        total += count
    return total


def _clean_step(before: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLEAN_COMPLETED, {"before": before, "limit": JOBS_A_STEP})
        return int(cursor.rowcount)
