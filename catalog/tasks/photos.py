"""The stage of photos: a sequence of them becomes an inventory, which its seller edits and accepts."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from catalog.photos.inventory import store_inventory
from catalog.photos.processing import improve_photos, kept_inventory, make_inventory, photos_of
from catalog.photos.sets import fail_set, sweep_sets
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task
from marketplace.gemini.pace import PATIENT
from marketplace.notifications.telling import Kind, tell


def give_up_on_photos(given_up: Sequence[GivenUp]) -> None:
    """Say of the sets why no inventory was made; they take photos again, and their sellers are told."""
    for job in given_up:
        row = fail_set(job.payload["photo_set"], code=job.error_code, message=job.error_message)
        if row is not None:
            subject = {"photo_set": str(row.pk), "title": str(row), "reason": job.error_code}
            tell(Kind.INVENTORY_FAILED, seller_id=row.seller_id, subjects=[{**subject, "message": job.error_message}])


@task(
    name="photo_processing",
    queue="photo-processing",
    attempts=2,
    timeout_s=600,
    retry=PATIENT,
    subject=["photo_set"],
    on_give_up=give_up_on_photos,
)
def photo_processing(batch: Batch) -> None:
    """Make the inventory of each set; a second run does no photo again, and changes nothing."""
    made: dict[str, Any] = {}
    for job in batch:
        set_id = job.payload["photo_set"]
        photos = photos_of(set_id)
        if not photos:
            batch.complete(job, result={"photos": "not wanted any more"})
            continue
        try:
            kept = _process(batch, job, photos)
        except JobError as error:
            batch.fail(job, error)
            continue
        if kept is None:
            batch.release(job)
            continue
        made[set_id] = kept
        batch.complete(job, result={"photos": len(photos), "items": len(kept["items"])})
    batch.on_settle(bind(store, made))


def _process(batch: Batch, job: ClaimedJob, photos: Sequence[Any]) -> dict[str, Any] | None:
    """Return the inventory of one set as JSON; None when the work is to stop."""
    findings = improve_photos(
        photos,
        tell=lambda pct, message: batch.progress(job, pct, message),
        goes_on=lambda: not (batch.is_stopping() or batch.is_cancelled(job)),
    )
    if findings is None:
        return None
    batch.progress(job, 90.0, "grouping and naming")
    return kept_inventory(make_inventory(photos, findings, is_last_try=job.attempt >= job.max_attempts), findings)


@effect
def store(jobs: Sequence[ClaimedJob], data: Any) -> None:
    """Write the inventories of these jobs' sets."""
    for set_id in sorted({job.payload["photo_set"] for job in jobs}):
        if set_id in data:
            store_inventory(set_id, data[set_id])


@task(queue="photo-processing", attempts=3)
def sweep_photo_sets(batch: Batch) -> None:
    """Delete sets and uploads whose time is over, with their files; running twice deletes no more."""
    for job in batch:
        batch.complete(job, result=dict(sweep_sets(now=timezone.now())))
