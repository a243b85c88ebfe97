"""Judging again what the rules of an earlier version of Souk judged: by jobs, when staff asks for it.

What staff decided holds, whatever the rules were then. The audit log has who began it, when, and for how many.
"""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction

from jobs import audit
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import LIVE_STATES, Audit, Job, Priority
from marketplace.products import AWAY
from qc.rule_comparing import CHUNK
from qc.rules.ruleset import CODE_VERSION

ACTION = "judge again"
# Each product's latest verdict is looked up for it.
HELD_S = 20
KNOWN_S = 24 * 3600
_OUTDATED = """
SELECT product.id, product.seller_id, product.last_sync_id
  FROM marketplace_product product
 CROSS JOIN LATERAL (SELECT rule_version, is_automatic FROM qc_verdict
                      WHERE product_id = product.id ORDER BY id DESC LIMIT 1) AS latest
 WHERE product.id > %(after)s AND product.status <> ALL(%(away)s)
   AND latest.is_automatic AND split_part(latest.rule_version, '.', 1) <> %(version)s
"""
_CHUNK = f"{_OUTDATED} ORDER BY product.id LIMIT %(most)s"
_COUNT = f"SELECT count(*) FROM ({_OUTDATED}) AS outdated"  # noqa: S608 nothing of it is from outside


class CannotJudgeAgain(ValueError):
    """The products are not judged again; the message says why."""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


class NothingOutdated(CannotJudgeAgain):
    """All products that can be judged were judged by the rules of this version: there is nothing to judge again."""


class StillJudging(CannotJudgeAgain):
    """The products are being judged again. Wait until that has come to its end."""


@dataclass(frozen=True, slots=True)
class Run:
    """The latest time that staff had products judged again by the rules of this version.

    Args:
        entry: of the audit log: who, when, why, and how many they were.
        is_running: whether its jobs still work.
    """

    entry: Audit
    is_running: bool

    def judged(self, outdated: int) -> int:
        """Return how many have been judged, given how many are outdated now."""
        return max(0, self.entry.count - outdated)


def outdated_count() -> int:
    """Count the products whose verdict is of other rules than this version's, as they were at most HELD_S ago.

    They are counted anew once when a run has begun, and once when it is found to have ended.
    """
    count: int | None = cache.get_or_set(_cache_key(), _counted, HELD_S)
    return count or 0


def latest_run() -> Run | None:
    """Return the run that began last; None where this version has had none."""
    entry = Audit.objects.filter(action=ACTION, subject=_subject()).first()
    if entry is None:
        return None
    run = Run(entry, _is_running(entry.pk))
    if not run.is_running and cache.add(f"{_cache_key()}:{entry.pk}-ended", 1, KNOWN_S):
        cache.delete(_cache_key())
    return run


def begin_judging_again(*, actor: str, reason: str) -> int:
    """Have all products judged again whose verdict is of other rules than this version's; return how many they are.

    Raises:
        NothingOutdated, StillJudging: see there.
        jobs.audit.ReasonMissing: the reason is empty.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # of two who ask at once, the later one is to see the first one's run
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('qc.rejudging'))")
        run = latest_run()
        if run is not None and run.is_running:
            raise StillJudging
        count = _counted()
        if not count:
            raise NothingOutdated
        entry = audit.record(actor=actor, action=ACTION, subject=_subject(), reason=reason, count=count)
        enqueue(_chunk_job(entry.pk, after=0))
        transaction.on_commit(lambda: cache.delete(_cache_key()))
    return count


def jobs_of_chunk(run_id: int, *, after: int) -> list[NewJob]:
    """Return the jobs by which the next chunk of the outdated products is judged, and the one that goes on."""
    with connection.cursor() as cursor:
        cursor.execute(_CHUNK, {**_facts(after=after), "most": CHUNK})
        found = cursor.fetchall()
    jobs = [
        NewJob(
            "quality-control",
            {"sync": sync_id, "product": pk},
            tenant=str(seller_id),
            priority=Priority.LOW,
            key=f"rules-of-{CODE_VERSION}:{run_id}:{pk}",
        )
        for pk, seller_id, sync_id in found
    ]
    return [*jobs, _chunk_job(run_id, after=found[-1][0])] if len(found) == CHUNK else jobs


def _chunk_job(run_id: int, *, after: int) -> NewJob:
    payload, key = {"run": run_id, "after": after}, f"{run_id}:{after}"
    return NewJob("judge-outdated", payload, priority=Priority.LOW, key=key, group=_group(run_id))


def _is_running(run_id: int) -> bool:
    return Job.objects.filter(grp=_group(run_id), state__in=LIVE_STATES).exists()


def _group(run_id: int) -> str:
    return f"judge-outdated:{run_id}"


def _subject() -> str:
    return f"products, by the rules of version {CODE_VERSION}"


def _cache_key() -> str:
    return f"qc:outdated:{CODE_VERSION}"


def _counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _facts(after=0))
        return int(cursor.fetchone()[0])


def _facts(*, after: int) -> dict[str, Any]:
    return {"after": after, "version": str(CODE_VERSION), "away": [str(it) for it in AWAY]}
