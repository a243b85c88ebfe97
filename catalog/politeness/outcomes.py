"""What becomes of a job that met trouble: the domain's trouble costs it little, its own what its family says."""

from collections.abc import Mapping
from datetime import UTC, datetime

from catalog.hosts import host_of
from catalog.politeness.gates import gate_keys
from catalog.politeness.manners import DomainRefuses, DomainResting, NotAsked, Standing
from catalog.replies import RequestRefused, SiteBlocks, SiteFailing, SiteTimeout, SiteUnreachable, TooManyRequests
from jobs.batch import Batch, ClaimedJob
from jobs.errors import JobError

REFUSALS = 3  # of one page by a site that is well otherwise
_TROUBLE = (SiteBlocks, SiteFailing, SiteTimeout, SiteUnreachable, TooManyRequests)


def end_troubled(
    batch: Batch, job: ClaimedJob, error: JobError, *, address: str, standings: Mapping[str, Standing]
) -> None:
    """Give the job its outcome.

    Nothing was asked for it: it goes back behind its gate as if it had never passed. It asked, and the domain's
    breaker is open: it waits for the next probe, which spends one of its waits, then its attempts; so it is not lost
    while a shop is away for an hour, and ends in the dead-letter queue when the shop stays away. The breaker is
    closed: the error is its own. A page that is refused again and again by a site that is well is refused for good.

    Args:
        batch: the job's.
        job: that met trouble.
        error: what it met.
        address: what it asked for.
        standings: how the domains stand after the batch, by host.
    """
    host = host_of(address)
    standing = standings.get(host)
    if isinstance(error, NotAsked):
        # Behind another host's gate it would pass again at once: then it has to wait by the clock.
        pages, _, pictures = gate_keys(error.host)
        if not {pages, pictures}.isdisjoint(_keys(job)):
            batch.hold(job)
        else:
            batch.fail(job, error)
        return
    if not isinstance(error, _TROUBLE) or standing is None:
        batch.fail(job, error)
        return
    if standing.is_refusing:
        gone = DomainRefuses(f"{error}; {host} refuses for good", status_code=error.status_code)
        gone.__cause__ = error
        batch.fail(job, gone)
    elif not standing.is_well:
        batch.fail(job, _resting(standing, error))
    elif isinstance(error, SiteBlocks) and job.waits + 1 >= REFUSALS:
        refused = RequestRefused(
            f"{error}, {REFUSALS} times, and other pages are not refused", status_code=error.status_code
        )
        refused.__cause__ = error
        batch.fail(job, refused)
    else:
        batch.fail(job, error)


def _keys(job: ClaimedJob) -> set[str]:
    return set((job.gate or "").split())


def _resting(standing: Standing, error: JobError) -> DomainResting:
    until = standing.retry_at
    wait_s = max(0.0, (until - datetime.now(UTC)).total_seconds()) if until else None
    resting = DomainResting(
        f"{error}; {standing.host} is left alone now", retry_after_s=wait_s, status_code=error.status_code,
        host=standing.host,
    )  # fmt: skip
    resting.__cause__ = error
    return resting
