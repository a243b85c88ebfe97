"""The hot statements of the ledger, by hand: with the ORM they cost 3 to 4 times as much (measured).

Arrays go in through `unnest`, so that a batch is one statement whatever its size.
"""

ALLOCATE_IDS = "SELECT nextval(pg_get_serial_sequence('jobs_job', 'id')) FROM generate_series(1, %s)"

# Keys are taken in (task, key) order, so that two enqueuers of the same keys cannot deadlock.
TAKE_KEYS = """
INSERT INTO jobs_jobkey (task, key, job_id)
SELECT task, key, job_id
  FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS wanted (task, key, job_id)
 ORDER BY task, key
ON CONFLICT (task, key) DO UPDATE SET job_id = excluded.job_id, expires_at = NULL
 WHERE jobs_jobkey.expires_at < now()
RETURNING job_id
"""

HOLDERS_OF_KEYS = """
SELECT held.task, held.key, held.job_id
  FROM jobs_jobkey held
  JOIN unnest(%s::text[], %s::text[]) AS wanted (task, key) USING (task, key)
"""

INSERT_JOBS = """
INSERT INTO jobs_job (id, task, queue, tenant, priority, vtime, state, attempt, max_attempts, waits, crashes,
                      is_suspect, lease, gate, grp, key, origin_id, payload, meta, error_code, error_message,
                      created_at, run_at)
SELECT id, task, queue, tenant, priority, 0,
       CASE WHEN delay_s > 0 THEN 'scheduled' WHEN gate IS NOT NULL THEN 'gated' ELSE 'pending' END,
       0, max_attempts, 0, 0, false, 0, gate, grp, key, origin_id, payload::jsonb, meta::jsonb, '', '',
       now(), clock_timestamp() + delay_s * interval '1 second'
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::smallint[], %s::float8[],
              %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
    AS new (id, task, queue, tenant, priority, max_attempts, delay_s, gate, grp, key, origin_id, payload, meta)
"""

# One suspect alone, else a batch. COALESCE does not look for the batch when it has found a suspect.
CLAIM = """
UPDATE jobs_job
   SET state = 'running', worker_id = %s, attempt = attempt + 1, lease = lease + 1,
       started_at = clock_timestamp()
 WHERE id = ANY (coalesce(
        nullif(ARRAY(
            SELECT id FROM jobs_job
             WHERE queue = %s AND state = 'pending' AND is_suspect
             ORDER BY priority, vtime, id LIMIT 1 FOR UPDATE SKIP LOCKED), '{}'),
        ARRAY(
            SELECT id FROM jobs_job
             WHERE queue = %s AND state = 'pending' AND NOT is_suspect
             ORDER BY priority, vtime, id LIMIT %s FOR UPDATE SKIP LOCKED)))
RETURNING id, task, tenant, priority, attempt, max_attempts, waits, lease, grp, gate, key, payload, meta,
          extract(epoch FROM clock_timestamp() - run_at)::float8, is_suspect
"""

# Rows change only where the lease is still ours: a worker that lost it changes nothing.
SETTLE = """
UPDATE jobs_job job
   SET state = ended.state,
       attempt = job.attempt - ended.refund,
       waits = job.waits + ended.waited,
       is_suspect = job.is_suspect OR ended.is_suspect,
       run_at = CASE WHEN ended.state = 'scheduled' THEN clock_timestamp() + ended.delay_s * interval '1 second'
                     ELSE job.run_at END,
       finished_at = CASE WHEN ended.state IN ('completed', 'failed', 'dead') THEN clock_timestamp() END,
       result = ended.result::jsonb,
       error_code = ended.error_code,
       error_message = ended.error_message
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float8[], %s::smallint[], %s::smallint[], %s::bool[],
              %s::text[], %s::text[], %s::text[])
    AS ended (id, lease, state, delay_s, refund, waited, is_suspect, result, error_code, error_message)
 WHERE job.id = ended.id AND job.lease = ended.lease AND job.worker_id = %s AND job.state = 'running'
RETURNING job.id
"""

KEEP_KEYS = "UPDATE jobs_jobkey SET expires_at = now() + interval '24 hours' WHERE job_id = ANY (%s)"
FREE_KEYS = "DELETE FROM jobs_jobkey WHERE job_id = ANY (%s)"

COUNT_MINUTE = """
INSERT INTO jobs_taskminute AS held (minute, task, worker_id, completed, failed, retried, run_s, wait_s)
VALUES (date_trunc('minute', clock_timestamp()), %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (minute, task, worker_id) DO UPDATE
   SET completed = held.completed + excluded.completed, failed = held.failed + excluded.failed,
       retried = held.retried + excluded.retried, run_s = held.run_s + excluded.run_s,
       wait_s = held.wait_s + excluded.wait_s
"""

# --- the dispatcher's ------------------------------------------------------------------------------

RELEASE_DUE = """
UPDATE jobs_job
   SET state = CASE WHEN gate IS NULL THEN 'pending' ELSE 'gated' END
 WHERE id = ANY (ARRAY(
        SELECT id FROM jobs_job WHERE state = 'scheduled' AND run_at <= clock_timestamp()
         ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING queue
"""

# Tokens grow with time up to the burst, or to a second's worth if that is more.
REFILL_GATES = """
UPDATE jobs_gate
   SET tokens = least(greatest(burst, rate_per_s),
                      tokens + rate_per_s * greatest(0, extract(epoch FROM clock_timestamp() - refilled_at))),
       refilled_at = clock_timestamp()
 WHERE EXISTS (SELECT 1 FROM jobs_job WHERE state = 'gated' AND gate = jobs_gate.key)
RETURNING key, tokens
"""

OPEN_GATE = """
UPDATE jobs_job
   SET state = 'pending', run_at = clock_timestamp()
 WHERE id = ANY (ARRAY(
        SELECT id FROM jobs_job WHERE state = 'gated' AND gate = %s
         ORDER BY priority, vtime, id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING queue
"""

SPEND_TOKENS = "UPDATE jobs_gate SET tokens = tokens - %s WHERE key = %s"

# A job whose gate was never set, or was taken away, must not wait for ever.
OPEN_MISSING_GATES = """
UPDATE jobs_job SET state = 'pending'
 WHERE id = ANY (ARRAY(
        SELECT id FROM jobs_job
         WHERE state = 'gated' AND NOT EXISTS (SELECT 1 FROM jobs_gate WHERE key = jobs_job.gate)
         ORDER BY priority, vtime, id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING queue
"""

FINAL_GROUPS = """
SELECT name, tenant, then_task, then_payload, priority FROM jobs_jobgroup
 WHERE final_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM jobs_job WHERE grp = jobs_jobgroup.name
                      AND state IN ('waiting', 'scheduled', 'gated', 'pending', 'running'))
   FOR UPDATE SKIP LOCKED
"""

QUEUE_HAS_PENDING = "SELECT EXISTS (SELECT 1 FROM jobs_job WHERE queue = %s AND state = 'pending')"

# A dead worker's session is gone from pg_locks and its beat has stopped; silence alone takes much longer.
LOST_WORKERS = """
SELECT id, name,
       NOT EXISTS (SELECT 1 FROM pg_locks
                    WHERE locktype = 'advisory' AND objsubid = 2 AND granted
                      AND classid = %(lock_class)s::oid AND objid = jobs_worker.id::oid
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_gone,
       extract(epoch FROM clock_timestamp() - beat_at)::float8 AS silent_s
  FROM jobs_worker
 WHERE ended_at IS NULL AND beat_at < clock_timestamp() - %(beat_s)s * interval '1 second'
"""

HELD_BY = """
SELECT id, queue, task, tenant, grp, payload, attempt, crashes, started_at
  FROM jobs_job WHERE worker_id = %s AND state = 'running' FOR UPDATE
"""

GIVE_BACK = """
UPDATE jobs_job
   SET state = 'pending', attempt = attempt - 1, lease = lease + 1, worker_id = NULL, started_at = NULL,
       is_suspect = is_suspect OR %s, crashes = crashes + %s
 WHERE id = ANY (%s)
"""
