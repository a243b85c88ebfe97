"""The statements of `jobs.retention`. Each looks at a stretch of a primary key and deletes what may go.

Rows of attempts, lines, keys and dependencies go with their job in the same statement; the only constraints between
them are those of attempts and dead letters, which are checked at its end.
"""

# Something still counts on the job: its group is open, a letter tells of it, a job waits for it, or it answers for an
# idempotency key. A key is held for 24 h after success; one that is held longer by mistake does not keep its job.
_IS_FREE = """
       NOT EXISTS (SELECT 1 FROM jobs_jobgroup WHERE name = job.grp AND final_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM jobs_deadletter WHERE job_id = job.id)
   AND NOT EXISTS (SELECT 1 FROM jobs_jobdependency WHERE on_id = job.id)
   AND (job.key IS NULL OR job.finished_at < clock_timestamp() - %(hours)s * interval '1 hour'
        OR NOT EXISTS (SELECT 1 FROM jobs_jobkey WHERE job_id = job.id
                          AND coalesce(expires_at > clock_timestamp(), true)))
"""

# Arrays, so that the planner takes the index of each table, however many rows it expects.
_DELETE = """
gone AS (DELETE FROM jobs_job WHERE id = ANY (ARRAY(SELECT id FROM doomed)) RETURNING id, key),
attempts AS (DELETE FROM jobs_jobattempt WHERE job_id = ANY (ARRAY(SELECT id FROM gone))),
lines AS (DELETE FROM jobs_jobline WHERE job_id = ANY (ARRAY(SELECT id FROM gone))),
keys AS (DELETE FROM jobs_jobkey WHERE job_id = ANY (ARRAY(SELECT id FROM gone WHERE key IS NOT NULL)))
"""

# Above every id that there may be.
TOP_JOB = "SELECT last_value + 1 FROM jobs_job_id_seq"
TOP_LETTER = "SELECT last_value + 1 FROM jobs_deadletter_id_seq"

# `place` is a job's place among the final jobs of its task and kind, from the newest down.
SWEEP_JOBS = """
WITH rules AS (
SELECT * FROM unnest(%(tasks)s::text[], %(keep_completed)s::int[], %(keep_failed)s::int[], %(keep_s)s::float8[])
           AS rule (task, keep_completed, keep_failed, keep_s)),
passed AS (
SELECT * FROM unnest(%(passed_tasks)s::text[], %(passed_kinds)s::text[], %(passed)s::int[])
           AS passed (task, kind, jobs)),
stretch AS MATERIALIZED (
SELECT id, task, state, grp, key, finished_at,
       CASE state WHEN 'completed' THEN 'completed' WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END AS kind
  FROM jobs_job WHERE id < %(before)s AND id >= %(after)s ORDER BY id DESC LIMIT %(rows)s),
final AS (
SELECT stretch.*, row_number() OVER (PARTITION BY task, kind ORDER BY id DESC) + coalesce(passed.jobs, 0) AS place
  FROM stretch LEFT JOIN passed USING (task, kind)
 WHERE state IN ('completed', 'failed', 'dead', 'cancelled')),
doomed AS MATERIALIZED (
SELECT job.id FROM final job LEFT JOIN rules ON rules.task = job.task
 WHERE job.place > CASE job.kind WHEN 'failed' THEN coalesce(rules.keep_failed, %(default_failed)s)
                                 ELSE coalesce(rules.keep_completed, %(default_completed)s) END
   AND job.finished_at < clock_timestamp() - coalesce(rules.keep_s, %(default_s)s) * interval '1 second'
   AND {is_free}),
counted AS (
SELECT task, kind, count(*) AS jobs FROM final GROUP BY task, kind),
{delete}
SELECT (SELECT min(id) FROM stretch), (SELECT count(*) FROM stretch), (SELECT count(*) FROM gone),
       (SELECT array_agg(task ORDER BY task, kind) FROM counted),
       (SELECT array_agg(kind ORDER BY task, kind) FROM counted),
       (SELECT array_agg(jobs ORDER BY task, kind) FROM counted)
"""

CLEAN_COMPLETED = """
WITH stretch AS MATERIALIZED (
SELECT id, state, grp, key, finished_at, created_at FROM jobs_job
 WHERE id > %(after)s ORDER BY id LIMIT %(rows)s),
doomed AS MATERIALIZED (
SELECT job.id FROM stretch job
 WHERE job.state = 'completed' AND job.finished_at < %(before)s AND {is_free}),
{delete}
SELECT (SELECT max(id) FROM stretch), (SELECT count(*) FROM stretch), (SELECT count(*) FROM gone)
"""

SWEEP_JOBS = SWEEP_JOBS.format(is_free=_IS_FREE, delete=_DELETE)
CLEAN_COMPLETED = CLEAN_COMPLETED.format(is_free=_IS_FREE, delete=_DELETE)

SWEEP_LETTERS = """
WITH stretch AS MATERIALIZED (
SELECT id, task, resolution FROM jobs_deadletter
 WHERE id < %(before)s AND id >= %(after)s
   AND id < coalesce((SELECT id FROM jobs_deadletter ORDER BY id DESC OFFSET %(keep)s - 1 LIMIT 1), 0)
 ORDER BY id DESC LIMIT %(rows)s),
gone AS (
DELETE FROM jobs_deadletter
 WHERE id IN (SELECT id FROM stretch WHERE resolution <> '' AND NOT task = ANY (%(kept_tasks)s))
RETURNING id)
SELECT (SELECT min(id) FROM stretch), (SELECT count(*) FROM stretch), (SELECT count(*) FROM gone)
"""

# A key may be held anew between the look and the deletion, so that the deletion looks again.
SWEEP_KEYS = """
WITH stretch AS MATERIALIZED (
SELECT task, key, job_id, expires_at FROM jobs_jobkey
 WHERE job_id < %(before)s AND job_id >= %(after)s ORDER BY job_id DESC LIMIT %(rows)s),
gone AS (
DELETE FROM jobs_jobkey held USING stretch
 WHERE stretch.expires_at < clock_timestamp() AND held.task = stretch.task AND held.key = stretch.key
   AND held.expires_at < clock_timestamp()
RETURNING 1)
SELECT (SELECT min(job_id) FROM stretch), (SELECT count(*) FROM stretch), (SELECT count(*) FROM gone)
"""

# By the rows' places, or the planner reads the whole table to find the few.
SWEEP_MINUTES = """
WITH gone AS (
DELETE FROM jobs_taskminute WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM jobs_taskminute
        WHERE minute < statement_timestamp() - %(days)s * interval '1 day' ORDER BY minute LIMIT %(rows)s))
RETURNING 1)
SELECT count(*) FROM gone
"""

SWEEP_GROUPS = """
WITH gone AS (
DELETE FROM jobs_jobgroup WHERE name IN (
       SELECT name FROM jobs_jobgroup
        WHERE final_at < clock_timestamp() - %(days)s * interval '1 day' LIMIT %(rows)s)
RETURNING 1)
SELECT count(*) FROM gone
"""

SWEEP_WORKERS = """
WITH gone AS (
DELETE FROM jobs_worker WHERE id IN (
       SELECT id FROM jobs_worker
        WHERE ended_at < clock_timestamp() - %(days)s * interval '1 day' LIMIT %(rows)s)
RETURNING 1)
SELECT count(*) FROM gone
"""
