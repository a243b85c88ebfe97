"""What happened, for those who watch: state changes of jobs and steps of larger things, on a Redis stream per topic.

A change and its event are written in one transaction, to an outbox in PostgreSQL. The leader moves them to the
streams, in order and in batches, and numbers them; a number never comes twice, also after Redis was wiped, so that a
late reader goes on from the last one that it has seen. After a crash at the wrong instant an event may come twice,
under two numbers and the same `event`.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from jobs import tick_sql
from jobs.fairness import OVERLAP
from jobs.models import JobEvent
from jobs.permits import transport

logger = logging.getLogger(__name__)

ALL_JOBS = "jobs"
MAX_RELAYED_AT_ONCE = 500
MAX_BACKLOG = 100_000
KEPT_A_TOPIC = 10_000
KEPT_OF_ALL_JOBS = 100_000
KEPT_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a stream: what happened to which jobs, or a body of its own."""

    seq: int
    event: int
    at: datetime
    kind: str
    jobs: Sequence[Sequence[Any]]  # [id, task, group] each
    body: Any


@dataclass(frozen=True, slots=True)
class _Entry:
    topic: str
    fields: dict[str, str]


def publish(topic: str, kind: str, body: Any) -> None:
    """Tell the topic's readers something, in the caller's transaction: when it commits, they will hear of it."""
    JobEvent.objects.create(topic=topic, kind=kind, body=json.loads(json.dumps(body, cls=DjangoJSONEncoder)))


def topic_of_tenant(tenant: str) -> str:
    """Name the topic that tells of a tenant's jobs."""
    return f"tenant:{tenant}"


def read(topic: str, *, after: int = 0, limit: int = 100) -> list[Event]:
    """Return up to `limit` events of the topic that come after the number given, in order.

    A first event whose number is not the next of what the reader knows does not mean that something was lost: numbers
    are shared by all topics. What is older than the stream keeps (10,000 entries, 7 days) is gone.

    Raises:
        redis.RedisError: Redis is away.
    """
    entries: Any = transport().xrange(_stream(topic), min=f"({after}-0" if after else "-", max="+", count=limit)
    return [_event(entry_id, fields) for entry_id, fields in entries]


def relay() -> tuple[int, list[Any]]:
    """Move what the outbox holds to the streams; return how many rows, and the notes in it that are for the tick.

    Raises:
        redis.RedisError: Redis is away; the outbox keeps what it holds.
    """
    moved, notes = 0, []
    while True:
        count, batch_notes = _relay_some()
        moved += count
        notes += batch_notes
        if count < MAX_RELAYED_AT_ONCE:
            return moved, notes


def drop_backlog() -> int:
    """Drop the oldest rows of an outbox that has grown beyond bounds while Redis was away; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.DROP_EVENTS, [MAX_BACKLOG])
        dropped = int(cursor.rowcount)
    if dropped:
        logger.warning("events were dropped: Redis has been away for too long", extra={"events": dropped})
    return dropped


def _relay_some() -> tuple[int, list[Any]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tick_sql.TAKE_EVENTS, [MAX_RELAYED_AT_ONCE])
        rows = sorted(cursor.fetchall())
        notes = [body for _, _, kind, *_, body in rows if kind == OVERLAP]
        entries = [entry for row in rows if row[2] != OVERLAP for entry in _entries(row)]
        if entries:
            cursor.execute(tick_sql.NUMBER_EVENTS, [len(entries)])
            _add(zip((row[0] for row in cursor.fetchall()), entries, strict=True))
        return len(rows), notes


def _entries(row: tuple[Any, ...]) -> list[_Entry]:
    event_id, at, kind, ids, tasks, tenants, groups, topic, body = row
    common = {"event": str(event_id), "at": at.isoformat(), "kind": kind}
    if topic:
        return [_Entry(topic, {**common, "body": body})]
    jobs = list(zip(ids, tasks, groups, strict=True))
    by_tenant: dict[str, list[Any]] = defaultdict(list)
    for job, tenant in zip(jobs, tenants, strict=True):
        by_tenant[tenant].append(job)
    told = [(topic_of_tenant(tenant), its) for tenant, its in by_tenant.items() if tenant]
    return [_Entry(name, {**common, "jobs": json.dumps(its)}) for name, its in [(ALL_JOBS, jobs), *told]]


def _add(numbered: Iterable[tuple[int, _Entry]]) -> None:
    with transport().pipeline(transaction=False) as pipeline:
        topics = set()
        for seq, entry in numbered:
            kept = KEPT_OF_ALL_JOBS if entry.topic == ALL_JOBS else KEPT_A_TOPIC
            fields: Any = entry.fields
            pipeline.xadd(_stream(entry.topic), fields, id=f"{seq}-0", maxlen=kept, approximate=True)
            topics.add(entry.topic)
        for topic in topics:
            pipeline.expire(_stream(topic), KEPT_S)
        pipeline.execute()


def _stream(topic: str) -> str:
    return f"souk:events:{topic}"


def _event(entry_id: bytes, fields: dict[bytes, bytes]) -> Event:
    return Event(
        seq=int(entry_id.partition(b"-")[0]),
        event=int(fields[b"event"]),
        at=datetime.fromisoformat(fields[b"at"].decode()),
        kind=fields[b"kind"].decode(),
        jobs=json.loads(fields.get(b"jobs", b"[]")),
        body=json.loads(fields.get(b"body", b"null")),
    )
