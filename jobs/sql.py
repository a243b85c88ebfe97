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

# What the planner believes may be an hour old: that nothing waits, while a million jobs do. So each statement leaves it
# one way only. `vtime >= 0` is always so: it is in the condition of job_fair, and asks for that index. `state || ''`
# asks for none: rows are found by their ids, not by reading all of an index of that state. `= ANY (ARRAY(...))` looks
# rows up, where IN may join them with a table that is believed to be empty.

# For each lane and tenant: where its next job stands in virtual time (from there on, 1 / weight apart), whether another
# transaction enqueues there too, and what holds the jobs. The lock is only tried: to wait for it could deadlock.
PREPARE_LANES = """
SELECT new.queue, new.priority, new.tenant,
       greatest(coalesce(lane.vtime, 0),
                coalesce((SELECT vtime FROM jobs_job last
                           WHERE last.queue = new.queue AND last.priority = new.priority AND last.tenant = new.tenant
                             AND last.state IN ('pending', 'gated') AND last.vtime >= 0
                           ORDER BY vtime DESC LIMIT 1), 0)),
       coalesce(tenant.weight, 1),
       pg_try_advisory_xact_lock(%s, hashtext(new.queue || new.priority || new.tenant)),
       ARRAY(SELECT key FROM jobs_gate WHERE key = ANY (%s)),
       ARRAY(SELECT task FROM jobs_taskswitch WHERE mode = 'inline' AND task = ANY (%s))
  FROM unnest(%s::text[], %s::smallint[], %s::text[]) AS new (queue, priority, tenant)
  LEFT JOIN jobs_lane lane ON lane.queue = new.queue AND lane.priority = new.priority
  LEFT JOIN jobs_tenant tenant ON tenant.name = new.tenant
"""

# What the jobs of a call share comes once, as a kind; of each job only what is its own, and all payloads in one
# document: to write sixteen long arrays cost as much as to insert them (18,700 -> 28,000 jobs/s, 2026-11-25). A short
# array is filled up with NULL.
INSERT_JOBS = """
WITH fresh AS (
INSERT INTO jobs_job (id, task, queue, tenant, priority, vtime, state, attempt, max_attempts, waits, crashes,
                      is_suspect, lease, gate, grp, key, origin_id, parent_id, payload, meta, error_code,
                      error_message, created_at, run_at)
SELECT own.id, kind.task, kind.queue, kind.tenant, kind.priority, own.vtime, kind.state, 0, kind.max_attempts, 0, 0,
       false, 0, kind.gate, kind.grp, own.key, %(origin)s::bigint, own.parent_id, own.payload, kind.meta::jsonb, '', '',
       now(), clock_timestamp() + kind.delay_s * interval '1 second'
  FROM ROWS FROM (unnest(%(ids)s::bigint[]), unnest(%(kinds)s::int[]), unnest(%(vtimes)s::float8[]),
                  unnest(%(keys)s::text[]), unnest(%(parents)s::bigint[]), jsonb_array_elements(%(payloads)s::jsonb))
    AS own (id, kind, vtime, key, parent_id, payload)
  JOIN unnest(%(task)s::text[], %(queue)s::text[], %(tenant)s::text[], %(priority)s::smallint[], %(state)s::text[],
              %(max_attempts)s::smallint[], %(delay_s)s::float8[], %(gate)s::text[], %(grp)s::text[], %(meta)s::text[])
       WITH ORDINALITY
    AS kind (task, queue, tenant, priority, state, max_attempts, delay_s, gate, grp, meta, number)
    ON kind.number = own.kind
RETURNING state, id, task, tenant, grp)
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT state, array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM fresh GROUP BY state
"""

INSERT_DEPENDENCIES = """
INSERT INTO jobs_jobdependency (job_id, on_id, runs_anyway)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bool[]) ON CONFLICT DO NOTHING
"""

# The planner takes `NOT IN (SELECT ...)` for half of the rows. Of `<> ALL (array)` it believes that no row is left
# where a ledger has one task or tenant, and then reads and sorts a million (380 ms a claim, measured 2026-11-25).
_RUNNABLE = """task = ANY (ARRAY(
                SELECT name FROM unnest(%(tasks)s::text[]) AS name
                 WHERE NOT EXISTS (SELECT 1 FROM jobs_gate WHERE is_paused AND key = 'task:' || name)))
               AND tenant NOT IN (SELECT substr(key, 8) FROM jobs_gate WHERE is_paused AND key LIKE 'tenant:%%')
               AND NOT EXISTS (SELECT 1 FROM jobs_gate WHERE is_paused AND key = 'queue:' || %(queue)s::text)"""
_FIRST = """
            SELECT {columns} FROM jobs_job
             WHERE queue = %(queue)s::text AND state = 'pending' AND NOT is_suspect AND {runnable}
             ORDER BY priority, vtime, id LIMIT %(limit)s::int FOR UPDATE SKIP LOCKED"""

# One suspect alone, else a batch. COALESCE does not look for the batch when it has found a suspect. What is paused is
# passed over; the tick moves it out of the way. Lanes move on only where nobody else moves them: never wait here.
_CLAIM = """
WITH claimed AS (
UPDATE jobs_job
   SET state = 'running', worker_id = %(worker)s::bigint, attempt = attempt + 1, lease = lease + 1,
       started_at = clock_timestamp()
 WHERE id = ANY (coalesce(
        nullif(ARRAY(
            SELECT id FROM jobs_job
             WHERE queue = %(queue)s::text AND state = 'pending' AND is_suspect AND {runnable}
             ORDER BY priority, vtime, id LIMIT 1 FOR UPDATE SKIP LOCKED), '{{}}'),
        ARRAY({batch})))
RETURNING id, task, tenant, priority, attempt, max_attempts, waits, lease, grp, gate, key, payload, meta,
          extract(epoch FROM clock_timestamp() - run_at)::float8 AS wait_s, is_suspect, vtime),
moved AS (
UPDATE jobs_lane lane SET vtime = greatest(lane.vtime, far.vtime)
  FROM (SELECT priority, max(vtime) AS vtime FROM claimed GROUP BY priority) far
 WHERE (lane.queue, lane.priority) IN (
        SELECT queue, priority FROM jobs_lane WHERE queue = %(queue)s::text FOR UPDATE SKIP LOCKED)
   AND lane.priority = far.priority),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT 'running', array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM claimed HAVING count(*) > 0)
SELECT id, task, tenant, priority, attempt, max_attempts, waits, lease, grp, gate, key, payload, meta, wait_s,
       is_suspect
  FROM claimed
"""
CLAIM = _CLAIM.replace("{batch}", _FIRST.replace("{columns}", "id")).format(runnable=_RUNNABLE)

# Where a task of the queue takes fewer than the claim: it ends before the first job that its task has no more room for.
# Nothing overtakes, as it would if what fits were taken from behind such a job. Those that stay are locked in passing:
# a claim at the same moment passes over them.
_FITTING = """
            SELECT id FROM (
                SELECT id, bool_or(place > size) OVER (ORDER BY priority, vtime, id) AS is_beyond FROM (
                    SELECT id, priority, vtime, size,
                           row_number() OVER (PARTITION BY task ORDER BY priority, vtime, id) AS place
                      FROM ({first}) AS head
                      JOIN unnest(%(tasks)s::text[], %(sizes)s::int[]) AS own (task, size) USING (task)) AS placed
            ) AS ordered WHERE NOT is_beyond"""
_HEAD = _FIRST.replace("{columns}", "id, task, priority, vtime")
CLAIM_BY_TASK = _CLAIM.replace("{batch}", _FITTING.replace("{first}", _HEAD)).format(runnable=_RUNNABLE)

# `id = ANY` says what the join says, so that no statistics lead the planner to read all that the worker ever ran.
# Rows change only where the lease is still ours: a worker that lost it changes nothing. A cancellation that was asked
# for meanwhile wins.
SETTLE = """
WITH settled AS (
UPDATE jobs_job job
   SET state = CASE WHEN job.is_cancelling THEN 'cancelled' ELSE ended.state END,
       is_cancelling = false,
       attempt = job.attempt - ended.refund,
       waits = job.waits + ended.waited,
       is_suspect = job.is_suspect OR ended.is_suspect,
       run_at = CASE WHEN ended.state = 'scheduled' THEN clock_timestamp() + ended.delay_s * interval '1 second'
                     ELSE job.run_at END,
       finished_at = CASE WHEN job.is_cancelling OR ended.state IN ('completed', 'failed', 'dead')
                          THEN clock_timestamp() END,
       result = CASE WHEN NOT job.is_cancelling THEN ended.result::jsonb END,
       error_code = ended.error_code,
       error_message = ended.error_message
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float8[], %s::smallint[], %s::smallint[], %s::bool[],
              %s::text[], %s::text[], %s::text[])
    AS ended (id, lease, state, delay_s, refund, waited, is_suspect, result, error_code, error_message)
 WHERE job.id = ANY (%s::bigint[])
   AND job.id = ended.id AND job.lease = ended.lease AND job.worker_id = %s AND job.state = 'running'
RETURNING job.id, job.state, job.task, job.tenant, job.grp),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT state, array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM settled GROUP BY state)
SELECT id, state FROM settled
"""

# Most batches are like this: all completed, with nothing to keep and nothing to do. A third of the cost (measured).
SETTLE_PLAIN = """
WITH settled AS (
UPDATE jobs_job job
   SET state = CASE WHEN job.is_cancelling THEN 'cancelled' ELSE 'completed' END, is_cancelling = false,
       finished_at = clock_timestamp(), error_code = '', error_message = ''
  FROM unnest(%(ids)s::bigint[], %(leases)s::bigint[]) AS ended (id, lease)
 WHERE job.id = ANY (%(ids)s::bigint[])
   AND job.id = ended.id AND job.lease = ended.lease AND job.worker_id = %(worker)s AND job.state = 'running'
RETURNING job.id, job.state, job.task, job.tenant, job.grp),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT state, array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM settled GROUP BY state),
counted AS (
INSERT INTO jobs_taskminute AS held (minute, task, worker_id, completed, failed, retried, run_s, wait_s)
SELECT date_trunc('minute', clock_timestamp()), %(task)s, %(worker)s,
       count(*) FILTER (WHERE state = 'completed'), 0, 0, %(run_s)s, %(wait_s)s
  FROM settled HAVING count(*) > 0
ON CONFLICT (minute, task, worker_id) DO UPDATE
   SET completed = held.completed + excluded.completed, run_s = held.run_s + excluded.run_s,
       wait_s = held.wait_s + excluded.wait_s)
SELECT count(*) FILTER (WHERE state = 'completed'), count(*) FROM settled
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

CANCEL_LIVE = """
WITH cancelled AS (
UPDATE jobs_job
   SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
       is_cancelling = state = 'running',
       finished_at = CASE WHEN state = 'running' THEN finished_at ELSE clock_timestamp() END,
       error_code = CASE WHEN state = 'running' THEN error_code ELSE %(code)s END,
       error_message = CASE WHEN state = 'running' THEN error_message ELSE %(message)s END
 WHERE id = ANY (ARRAY(SELECT id FROM jobs_job
                        WHERE id = ANY (%(ids)s) AND state IN ('waiting', 'scheduled', 'gated', 'pending', 'running')
                          AND NOT is_cancelling ORDER BY id FOR UPDATE))
RETURNING id, state, task, tenant, grp),
freed AS (
DELETE FROM jobs_jobkey WHERE job_id = ANY (ARRAY(SELECT id FROM cancelled WHERE state = 'cancelled'))),
undone AS (
DELETE FROM jobs_jobdependency WHERE job_id = ANY (ARRAY(SELECT id FROM cancelled WHERE state = 'cancelled'))),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT CASE WHEN state = 'running' THEN 'cancelling' ELSE state END, array_agg(id), array_agg(task),
       array_agg(tenant), array_agg(grp) FROM cancelled GROUP BY state)
SELECT id, state FROM cancelled
"""

HELD_BY = """
SELECT id, queue, task, tenant, grp, payload, attempt, crashes, started_at, is_cancelling
  FROM jobs_job WHERE worker_id = %s AND state = 'running' ORDER BY id FOR UPDATE
"""

# `stalled` is told before what becomes of the job. A job whose cancellation was asked for ends here, and frees its key.
GIVE_BACK = """
WITH given AS (
UPDATE jobs_job
   SET state = CASE WHEN is_cancelling THEN 'cancelled' ELSE 'pending' END,
       finished_at = CASE WHEN is_cancelling THEN clock_timestamp() END,
       attempt = attempt - 1, lease = lease + 1, worker_id = NULL, started_at = NULL, is_cancelling = false,
       is_suspect = is_suspect OR %(is_suspect)s, crashes = crashes + %(crashes)s
 WHERE id = ANY (%(ids)s) AND worker_id = %(worker)s AND state = 'running'
RETURNING id, state, queue, task, tenant, grp),
freed AS (
DELETE FROM jobs_jobkey WHERE job_id = ANY (ARRAY(SELECT id FROM given WHERE state = 'cancelled'))),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT kind, array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp)
  FROM (SELECT 1 AS step, 'stalled' AS kind, id, task, tenant, grp FROM given WHERE %(is_stalled)s
         UNION ALL SELECT 2, state, id, task, tenant, grp FROM given) steps
 GROUP BY step, kind ORDER BY step)
SELECT queue FROM given WHERE state = 'pending'
"""
