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

# One suspect alone, else a batch. COALESCE does not look for the batch when it has found a suspect. What is paused is
# passed over; the tick moves it out of the way. Lanes move on only where nobody else moves them: never wait here.
CLAIM = """
WITH claimed AS (
UPDATE jobs_job
   SET state = 'running', worker_id = %(worker)s::bigint, attempt = attempt + 1, lease = lease + 1,
       started_at = clock_timestamp()
 WHERE id = ANY (coalesce(
        nullif(ARRAY(
            SELECT id FROM jobs_job
             WHERE queue = %(queue)s::text AND state = 'pending' AND is_suspect AND {runnable}
             ORDER BY priority, vtime, id LIMIT 1 FOR UPDATE SKIP LOCKED), '{{}}'),
        ARRAY(
            SELECT id FROM jobs_job
             WHERE queue = %(queue)s::text AND state = 'pending' AND NOT is_suspect AND {runnable}
             ORDER BY priority, vtime, id LIMIT %(limit)s::int FOR UPDATE SKIP LOCKED)))
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
# The planner takes `NOT IN (SELECT ...)` for half of the rows. Of `<> ALL (array)` it believes that no row is left
# where a ledger has one task or tenant, and then reads and sorts a million (380 ms a claim, measured 2026-11-25).
_RUNNABLE = """task = ANY (ARRAY(
                SELECT name FROM unnest(%(tasks)s::text[]) AS name
                 WHERE NOT EXISTS (SELECT 1 FROM jobs_gate WHERE is_paused AND key = 'task:' || name)))
               AND tenant NOT IN (SELECT substr(key, 8) FROM jobs_gate WHERE is_paused AND key LIKE 'tenant:%%')
               AND NOT EXISTS (SELECT 1 FROM jobs_gate WHERE is_paused AND key = 'queue:' || %(queue)s::text)"""
CLAIM = CLAIM.format(runnable=_RUNNABLE)

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

# --- the dispatcher's ------------------------------------------------------------------------------

# A job that becomes due is stamped anew, behind its tenant's other jobs in the lane, or a tenant whose jobs fail would
# get several times its share. The time is the statement's: clock_timestamp(), which is volatile, could not use the
# index, and each tick would read all that is scheduled.
RELEASE_DUE = """
WITH due AS MATERIALIZED (
SELECT id, queue, priority, tenant, gate, run_at FROM jobs_job
 WHERE state = 'scheduled' AND run_at <= statement_timestamp()
 ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED),
base AS MATERIALIZED (
SELECT due.queue, due.priority, due.tenant,
       greatest(coalesce(max(lane.vtime), 0),
                coalesce((SELECT vtime FROM jobs_job last
                           WHERE last.queue = due.queue AND last.priority = due.priority AND last.tenant = due.tenant
                             AND last.state IN ('pending', 'gated') AND last.vtime >= 0
                           ORDER BY vtime DESC LIMIT 1), 0)) AS vtime,
       coalesce(max(tenant.weight), 1) AS weight
  FROM due
  LEFT JOIN jobs_lane lane ON lane.queue = due.queue AND lane.priority = due.priority
  LEFT JOIN jobs_tenant tenant ON tenant.name = due.tenant
 GROUP BY due.queue, due.priority, due.tenant),
ranked AS (
SELECT id, queue, priority, tenant, gate,
       row_number() OVER (PARTITION BY queue, priority, tenant ORDER BY run_at, id) AS k FROM due),
released AS (
UPDATE jobs_job job
   SET state = CASE WHEN ranked.gate IS NULL THEN 'pending' ELSE 'gated' END,
       vtime = base.vtime + ranked.k / base.weight
  FROM ranked JOIN base USING (queue, priority, tenant)
 WHERE job.id = ranked.id
RETURNING job.id, job.state, job.queue, job.task, job.tenant, job.grp),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT state, array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM released GROUP BY state)
SELECT queue, count(*) FROM released WHERE state = 'pending' GROUP BY queue
"""

# The distinct sets of keys that jobs wait behind, by jumps through the index: one look-up a set.
GATE_SETS = """
WITH RECURSIVE sets AS (
(SELECT gate FROM jobs_job WHERE state = 'gated' ORDER BY gate LIMIT 1)
UNION ALL
SELECT (SELECT gate FROM jobs_job WHERE state = 'gated' AND gate > sets.gate ORDER BY gate LIMIT 1)
  FROM sets WHERE sets.gate IS NOT NULL)
SELECT gate FROM sets WHERE gate IS NOT NULL LIMIT %s
"""

# Tokens grow with time up to the burst, or to a second's worth if that is more. A key without a row holds nothing.
REFILL_GATES = """
UPDATE jobs_gate gate
   SET tokens = least(greatest(new.burst, new.rate), gate.tokens
                      + new.rate * greatest(0, extract(epoch FROM clock_timestamp() - gate.refilled_at))),
       refilled_at = clock_timestamp()
  FROM (SELECT key, coalesce(staff_rate_per_s, rate_per_s) AS rate, coalesce(staff_burst, burst) AS burst
          FROM jobs_gate WHERE key = ANY (%s) ORDER BY key FOR UPDATE) new
 WHERE gate.key = new.key
RETURNING gate.key, CASE WHEN new.rate IS NULL THEN NULL ELSE gate.tokens END, gate.max_in_flight,
          NOT gate.is_paused AND coalesce(gate.closed_until <= clock_timestamp(), true)
"""

# What is due or running behind the keys that limit it, by jumps through the index; up to the highest of the limits.
IN_FLIGHT = """
WITH RECURSIVE sets AS (
(SELECT gate FROM jobs_job WHERE gate IS NOT NULL AND state IN ('pending', 'running') ORDER BY gate LIMIT 1)
UNION ALL
SELECT (SELECT gate FROM jobs_job
         WHERE gate IS NOT NULL AND state IN ('pending', 'running') AND gate > sets.gate ORDER BY gate LIMIT 1)
  FROM sets WHERE sets.gate IS NOT NULL)
SELECT gate, (SELECT count(*) FROM (SELECT 1 FROM jobs_job
                                     WHERE gate = sets.gate AND gate IS NOT NULL AND state IN ('pending', 'running')
                                     LIMIT %(most)s) AS flying)
  FROM sets WHERE string_to_array(gate, ' ') && %(limited)s::text[]
"""

GATED_HEADS = """
SELECT head.id, wanted.gate, head.priority, head.vtime
  FROM unnest(%s::text[], %s::int[]) AS wanted (gate, most)
 CROSS JOIN LATERAL (SELECT id, priority, vtime FROM jobs_job WHERE state = 'gated' AND gate = wanted.gate
                      ORDER BY priority, vtime, id LIMIT wanted.most) AS head
 ORDER BY head.priority, head.vtime, head.id
"""

# What waited keeps its place among its tenant's, and gains none over those who came meanwhile.
OPEN_GATES = """
WITH passed AS MATERIALIZED (
SELECT id, queue, priority, tenant, vtime FROM jobs_job
 WHERE id = ANY (%s) AND state || '' = 'gated' FOR UPDATE SKIP LOCKED),
ranked AS (
SELECT id, row_number() OVER (PARTITION BY queue, priority, tenant ORDER BY vtime, id) AS k,
       queue, priority, tenant FROM passed),
released AS (
UPDATE jobs_job job
   SET state = 'pending', run_at = clock_timestamp(),
       vtime = greatest(job.vtime, coalesce(lane.vtime, 0) + ranked.k / coalesce(tenant.weight, 1))
  FROM ranked
  LEFT JOIN jobs_lane lane ON lane.queue = ranked.queue AND lane.priority = ranked.priority
  LEFT JOIN jobs_tenant tenant ON tenant.name = ranked.tenant
 WHERE job.id = ranked.id
RETURNING job.id, job.queue, job.task, job.tenant, job.grp, job.gate),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT 'pending', array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM released HAVING count(*) > 0)
SELECT queue, gate FROM released
"""

SPEND_TOKENS = """
UPDATE jobs_gate SET tokens = tokens - spent.count
  FROM unnest(%s::text[], %s::int[]) AS spent (key, count) WHERE jobs_gate.key = spent.key AND spent.count > 0
"""

# Jobs of a tenant or a task that was paused, or given a pace or a limit, while they were due. Only the heads of the
# lanes are looked at: there they stand in the way.
GATE_PENDING = """
WITH held AS (
UPDATE jobs_job
   SET state = 'gated',
       gate = (SELECT string_agg(DISTINCT key, ' ' ORDER BY key)
                 FROM unnest(string_to_array(coalesce(gate, ''), ' ') || %(key)s::text) AS keys (key) WHERE key <> '')
 WHERE id = ANY (ARRAY(
       SELECT id FROM jobs_job
        WHERE id = ANY (ARRAY(
              SELECT head.id
                FROM unnest(%(queues)s::text[]) AS names (queue)
               CROSS JOIN generate_series(0, 3) AS lanes (priority)
               CROSS JOIN LATERAL (SELECT id, tenant, task, gate FROM jobs_job
                                    WHERE queue = names.queue AND priority = lanes.priority AND state = 'pending'
                                    ORDER BY vtime, id LIMIT %(head)s) AS head
               WHERE {whose} AND NOT coalesce(%(key)s = ANY (string_to_array(head.gate, ' ')), false)
               LIMIT %(limit)s))
          AND state || '' = 'pending' FOR UPDATE SKIP LOCKED))
RETURNING id, task, tenant, grp),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT 'gated', array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM held HAVING count(*) > 0)
SELECT count(*) FROM held
"""
GATE_PENDING_OF_TENANT = GATE_PENDING.format(whose="head.tenant = %(name)s")
GATE_PENDING_OF_TASK = GATE_PENDING.format(whose="head.task = %(name)s")

# Stamps a tenant's due jobs in a lane 1 / weight apart, in the order that they have, from where the lane is.
# What somebody holds is being claimed or passed just now: to wait for it is a deadlock when they come for more.
RESTAMP = """
WITH ranked AS MATERIALIZED (
SELECT id, row_number() OVER (ORDER BY vtime, id) AS k
  FROM (SELECT id, vtime FROM jobs_job
         WHERE queue = %(queue)s AND priority = %(priority)s AND tenant = %(tenant)s
           AND state IN ('pending', 'gated') AND vtime >= 0
         ORDER BY vtime, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) head),
base AS (
SELECT coalesce((SELECT vtime FROM jobs_lane WHERE queue = %(queue)s AND priority = %(priority)s), 0) AS vtime,
       coalesce((SELECT weight FROM jobs_tenant WHERE name = %(tenant)s), 1) AS weight)
UPDATE jobs_job job SET vtime = base.vtime + ranked.k / base.weight
  FROM ranked, base WHERE job.id = ranked.id AND job.state IN ('pending', 'gated')
"""

LANES_OF_TENANT = """
SELECT lane.queue, lane.priority FROM jobs_lane lane
 WHERE (SELECT vtime FROM jobs_job
         WHERE queue = lane.queue AND priority = lane.priority AND tenant = %s
           AND state IN ('pending', 'gated') AND vtime >= 0
         ORDER BY vtime LIMIT 1) IS NOT NULL
"""

MAKE_LANES = """
INSERT INTO jobs_lane (queue, priority, vtime)
SELECT queue, priority, 0 FROM unnest(%s::text[]) AS queue CROSS JOIN generate_series(0, 3) AS priority
ON CONFLICT DO NOTHING
"""

FINAL_GROUPS = """
SELECT name FROM jobs_jobgroup
 WHERE final_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM jobs_job WHERE grp = jobs_jobgroup.name
                      AND state IN ('waiting', 'scheduled', 'gated', 'pending', 'running'))
 ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
"""

# The jobs that others wait for, by jumps through the index, and which of those are final: one look-up each.
FINAL_DEPENDENCIES = """
WITH RECURSIVE awaited AS (
(SELECT on_id FROM jobs_jobdependency ORDER BY on_id LIMIT 1)
UNION ALL
SELECT (SELECT on_id FROM jobs_jobdependency WHERE on_id > awaited.on_id ORDER BY on_id LIMIT 1)
  FROM awaited WHERE awaited.on_id IS NOT NULL)
SELECT awaited.on_id, job.state FROM awaited LEFT JOIN jobs_job job ON job.id = awaited.on_id
 WHERE awaited.on_id IS NOT NULL
   AND coalesce(job.state, 'gone') NOT IN ('waiting', 'scheduled', 'gated', 'pending', 'running')
 LIMIT %s
"""

# A job whose last dependency is met becomes scheduled, due at once, so that the tick stamps it like any other.
RELEASE_WAITING = """
WITH met AS (
DELETE FROM jobs_jobdependency WHERE on_id = ANY (%(final)s) RETURNING job_id),
released AS (
UPDATE jobs_job SET state = 'scheduled', run_at = greatest(run_at, clock_timestamp())
 WHERE state = 'waiting' AND id = ANY (ARRAY(SELECT job_id FROM met))
   AND (SELECT other.on_id FROM jobs_jobdependency other
         WHERE other.job_id = jobs_job.id AND NOT other.on_id = ANY (%(final)s) LIMIT 1) IS NULL
RETURNING id, task, tenant, grp),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT 'scheduled', array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp)
  FROM released HAVING count(*) > 0)
SELECT count(*) FROM released
"""

# Waiting jobs whose other did not complete, and that do not run anyway.
DISAPPOINTED = """
SELECT DISTINCT job_id FROM jobs_jobdependency WHERE on_id = ANY (%s) AND NOT runs_anyway
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

# Rows that run under a worker which has ended, or never was: it claimed while it was being declared dead.
ORPHANS = """
SELECT DISTINCT worker_id FROM jobs_job
 WHERE state = 'running'
   AND NOT EXISTS (SELECT 1 FROM jobs_worker WHERE id = jobs_job.worker_id AND ended_at IS NULL)
"""

# Not EXISTS, which knows no order: while most jobs are due it would read the table until it meets one, and go on doing
# so when they are done.
QUEUE_HAS_PENDING = """
SELECT (SELECT id FROM jobs_job WHERE queue = %s AND state = 'pending'
         ORDER BY priority, vtime, id LIMIT 1) IS NOT NULL
"""

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

# --- events ------------------------------------------------------------------------------------------

TAKE_EVENTS = """
DELETE FROM jobs_jobevent
 WHERE id = ANY (ARRAY(SELECT id FROM jobs_jobevent ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id, at, kind, ids, tasks, tenants, groups, topic, body
"""

NUMBER_EVENTS = "SELECT nextval('jobs_event_number') FROM generate_series(1, %s)"

DROP_EVENTS = """
DELETE FROM jobs_jobevent
 WHERE id <= (SELECT id FROM jobs_jobevent ORDER BY id DESC OFFSET %s LIMIT 1) AND kind <> 'overlap'
"""
