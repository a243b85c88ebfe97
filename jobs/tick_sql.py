"""The hot statements of the tick, by hand, as in `jobs.sql`; what is said of the planner there holds here too."""

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
