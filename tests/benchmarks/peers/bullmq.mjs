// BullMQ as a peer of the benchmark: `node bullmq.mjs worker|driver QUEUE SETUP`, one JSON answer a line.
//
// SETUP: plain (Redis alone), history (each step also written to PostgreSQL), postgres (BullMQ's own backend there).
// Everything is left as BullMQ ships it, but for what its guides advise for throughput: addBulk, a concurrency of 50,
// and removeOnComplete: Redis keeps nothing of a job that is done.

import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Worker, createPostgresBackend } from "bullmq";
import pg from "pg";

const CHUNK = 1000;
const CONCURRENCY = 50;
const POLL_EVERY_MS = 10;
const NAP_MS = 10;

const [role, queueName, setup] = process.argv.slice(2);
const options = setup === "postgres"
  ? [{ connection: { connectionString: process.env.DATABASE_URL, migrate: role === "driver" } }, createPostgresBackend]
  : [{ connection: redisAddress(process.env.REDIS_URL) }];
const history = setup === "history" ? new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }) : null;

function redisAddress(url) {
  const { hostname, port, password, pathname } = new URL(url);
  return {
    host: hostname, port: Number(port), password: decodeURIComponent(password), db: Number(pathname.slice(1) || 0),
    maxRetriesPerRequest: null,
  };
}

const now = () => Number(process.hrtime.bigint()) / 1e6; // the machine's monotonic clock: timeOrigin differs by process
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// --- the history: one INSERT a chunk when jobs are added; an awaited UPDATE, prepared, when one starts and when it ends
const MAKE = `CREATE TABLE IF NOT EXISTS bullmq_history (
  queue text NOT NULL, id text NOT NULL, name text NOT NULL, data jsonb NOT NULL, state text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, finished_at timestamptz,
  PRIMARY KEY (queue, id))`;
const INSERT = `INSERT INTO bullmq_history (queue, id, name, data, state)
  SELECT $1, id, 'job', data::jsonb, 'waiting' FROM unnest($2::text[], $3::text[]) AS new (id, data)`;
const START = "UPDATE bullmq_history SET state = 'active', started_at = clock_timestamp() WHERE queue = $1 AND id = $2";
const END = "UPDATE bullmq_history SET state = 'completed', finished_at = clock_timestamp() WHERE queue = $1 AND id = $2";

const note = (name, text, id) => history.query({ name, text, values: [queueName, id] });

async function work() {
  const report = { done: 0, pickups_ms: [] };
  async function process_(job) {
    const startedAt = now();
    if (history) await note("start", START, job.id);
    if (job.name === "nap") await sleep(NAP_MS);
    if (job.data.at_ms) report.pickups_ms.push(startedAt - job.data.at_ms);
    if (history) await note("end", END, job.id);
    report.done += 1;
  }
  const [connection, backend] = options;
  const worker = new Worker(queueName, process_, { ...connection, concurrency: CONCURRENCY }, backend);
  worker.on("error", (error) => console.error(error));
  await worker.waitUntilReady();
  return {
    report: async () => ({ ...report, rss_bytes: process.memoryUsage.rss() }),
    stop: async () => { await worker.close(); },
  };
}

async function drive() {
  const [connection, backend] = options;
  const queue = new Queue(queueName, { ...connection, defaultJobOptions: { removeOnComplete: true } }, backend);
  await queue.waitUntilReady();
  if (history) await history.query(MAKE);

  async function add({ count, name, data }) {
    for (let sent = 0; sent < count; sent += CHUNK) {
      const size = Math.min(CHUNK, count - sent);
      const jobs = await queue.addBulk(Array.from({ length: size }, () => ({ name, data })));
      if (history) {
        const text = JSON.stringify(data);
        await history.query({ name: "insert", text: INSERT, values: [queueName, jobs.map((job) => job.id), jobs.map(() => text)] });
      }
    }
  }
  async function settle() {
    for (;;) {
      const counts = await queue.getJobCounts("wait", "active", "paused", "prioritized", "delayed");
      if (Object.values(counts).every((count) => count === 0)) return;
      await sleep(POLL_EVERY_MS);
    }
  }
  const timed = async (action) => {
    const startedAt = performance.now();
    await action();
    return { seconds: (performance.now() - startedAt) / 1000 };
  };
  return {
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    add: (order) => timed(() => add(order)),
    settle: () => settle(),
    drain: () => timed(async () => { await queue.resume(); await settle(); }),
    lone: async ({ count, data }) => {
      for (let done = 0; done < count; done += 1) {
        await queue.add("job", { ...data, at_ms: now() });
        await settle();
      }
    },
    stop: () => queue.close(),
  };
}

const actions = await (role === "worker" ? work() : drive());
answer({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...order } = JSON.parse(line);
  answer((await actions[op](order)) ?? {});
  if (op === "stop") break;
}
await history?.end();
process.exit(0);
