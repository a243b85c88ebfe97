"""Sets of photos: begun, started, stopped, discarded, swept; and how far they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.photos.files import remove_photo, remove_set, stored_sets
from catalog.photos.models import Photo, PhotoItem, PhotoSet
from jobs.admission import admit
from jobs.batch import NewJob
from jobs.cancellation import AlreadyFinal, cancel_job
from jobs.ledger import enqueue
from jobs.lines import progress_of
from jobs.models import FINAL_STATES, Job, Priority, State
from marketplace.models import Seller

TASK = "photo_processing"
MAX_WAITING_SETS = 20  # of a seller, until they are accepted or discarded: 30 photos of 20 MiB each
Status = PhotoSet.Status


class SetRefused(Exception):
    """What was asked of the set cannot be done now; the message says why, and what to do."""

    code = "photo_set.refused"


class TooManySets(SetRefused):
    """The seller has as many sets waiting as it may."""

    code = "photo_set.too_many"


class NothingToProcess(SetRefused):
    """The set has no photos, or some that are still on their way."""

    code = "photo_set.incomplete"


class NotOpen(SetRefused):
    """The set is being processed, or was."""

    code = "photo_set.not_open"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a set is: `state` is open, queued, processing, ready or accepted."""

    state: str
    progress_pct: float
    job_id: int | None


def begin_set(seller: Seller, *, location: str, description: str) -> PhotoSet:
    """Begin a sequence of photos.

    Raises:
        TooManySets: others have to be accepted or discarded first.
    """
    with transaction.atomic():
        Seller.objects.select_for_update().only("pk").get(pk=seller.pk)  # two at once are counted one by one
        if PhotoSet.objects.filter(seller=seller).exclude(status=Status.ACCEPTED).count() >= MAX_WAITING_SETS:
            raise TooManySets(f"{MAX_WAITING_SETS} sets wait for you. Accept or discard some of them first.")
        expires_at = timezone.now() + keep_for()
        return PhotoSet.objects.create(seller=seller, location=location, description=description, expires_at=expires_at)


def keep_for() -> timedelta:
    """Return how long a set is kept after the last that was done with it."""
    return timedelta(days=settings.PHOTO_SET_KEEP_DAYS)


def start_processing(photo_set: PhotoSet, *, trigger: str) -> PhotoSet:
    """Have the inventory of a set made; return the set with its job. What an earlier job has done is kept.

    Raises:
        NotOpen, NothingToProcess: nothing was started.
        TooManyJobs: the submission is refused for now.
    """
    admit(tenant=photo_set.seller.tenant, priority=Priority.NORMAL)
    with transaction.atomic():
        row = PhotoSet.objects.select_for_update().get(pk=photo_set.pk)
        if not takes_photos(row):
            raise NotOpen(f"The set is {row.status} already.")
        photos = list(Photo.objects.filter(photo_set=row))
        unfinished = [photo for photo in photos if not photo.is_complete]
        if unfinished:
            named = ", ".join(str(photo) for photo in unfinished[:3])
            raise NothingToProcess(f"Photos are not uploaded yet ({named}). Finish them, or remove them.")
        if not photos:
            raise NothingToProcess("The set has no photos. Add some first.")
        row.starts += 1
        row.status = Status.QUEUED
        row.error_code = row.error_message = ""
        row.expires_at = timezone.now() + keep_for()
        row.job_id = enqueue(
            NewJob(
                TASK,
                {"photo_set": str(row.pk)},
                tenant=str(row.seller_id),
                priority=Priority.NORMAL,
                key=f"{row.pk}:{row.starts}",
                meta={"source": trigger, "correlation_id": str(row.pk)},
            )
        ).job_id
        row.save()
    return row


def stop_processing(photo_set: PhotoSet, *, actor: str) -> PhotoSet:
    """Cancel the job of a set, which takes photos again; what it has done is kept. A set without a job stays as it is.

    Returns the set as it is now.
    """
    with transaction.atomic():
        row = PhotoSet.objects.select_for_update().get(pk=photo_set.pk)
        was_queued = row.status == Status.QUEUED
        if was_queued:
            row.status = Status.OPEN
            row.save(update_fields=["status"])
    if was_queued:  # apart: the job's settlement locks its job first, then this row
        _cancel(row, actor=actor, reason="stopped by its seller")
    return row


def discard_set(photo_set: PhotoSet, *, actor: str) -> None:
    """Delete a set with its photos.

    Raises:
        NotOpen: its products are being made, or are there; it goes by itself.
    """
    with transaction.atomic():
        row = PhotoSet.objects.select_for_update().filter(pk=photo_set.pk).first()
        if row is None:
            return
        if row.status == Status.ACCEPTED:
            raise NotOpen("The inventory was accepted: its photos belong to products now, and the set goes by itself.")
        _delete(row)
    _cancel(row, actor=actor, reason="discarded by its seller")


def _delete(row: PhotoSet) -> None:
    """Delete a set that is locked; its job is cancelled by the caller, once it is gone."""
    set_id = row.pk
    PhotoSet.objects.filter(pk=set_id).delete()
    transaction.on_commit(lambda: remove_set(set_id))


def _sweep(set_id: UUID, *, now: datetime) -> bool:
    """Delete a set whose time is over; tell whether it still was."""
    with transaction.atomic():
        row = PhotoSet.objects.select_for_update().filter(pk=set_id, expires_at__lt=now).first()
        if row is None:
            return False
        _delete(row)
    _cancel(row, actor="sweep-photo-sets", reason="its time is over")
    return True


def standing_of(photo_set: PhotoSet) -> Standing:
    """Tell how far a set is; one whose job was cancelled behind its back is open again."""
    return standings_of([photo_set])[photo_set.pk]


def standings_of(photo_sets: Sequence[PhotoSet]) -> dict[UUID, Standing]:
    """Tell how far sets are, by their ids; two queries, however many they are."""
    queued = [it.job_id for it in photo_sets if it.status == Status.QUEUED and it.job_id is not None]
    jobs = Job.objects.in_bulk(queued) if queued else {}
    said = progress_of([pk for pk, job in jobs.items() if job.state not in FINAL_STATES])
    return {it.pk: _standing(it, jobs.get(it.job_id or 0), said) for it in photo_sets}


def _standing(photo_set: PhotoSet, job: Job | None, said: Mapping[int, tuple[float, str]]) -> Standing:
    if photo_set.status != Status.QUEUED:
        done = photo_set.status in (Status.READY, Status.ACCEPTED)
        return Standing(photo_set.status, 100.0 if done else 0.0, photo_set.job_id)
    if job is None or job.state in FINAL_STATES:
        return Standing(Status.OPEN, 0.0, photo_set.job_id)
    state = "processing" if job.state == State.RUNNING else "queued"
    return Standing(state, said.get(job.pk, (0.0, ""))[0], job.pk)


def sweep_sets(*, now: datetime) -> Mapping[str, int]:
    """Delete sets whose time is over, uploads that were given up, and files that no row knows; return how many."""
    stored = set(stored_sets())  # first: a set that is begun meanwhile is in neither
    late = PhotoSet.objects.filter(expires_at__lt=now).values_list("pk", flat=True)
    swept = sum(_sweep(set_id, now=now) for set_id in list(late))
    uploads = 0
    for photo in list(Photo.objects.filter(sha256="", expires_at__lt=now, photo_set__status=Status.OPEN)):
        if Photo.objects.filter(pk=photo.pk, sha256="", expires_at__lt=now).delete()[0]:
            remove_photo(photo)
            uploads += 1
    wanted = PhotoSet.objects.exclude(status=Status.ACCEPTED).values_list("pk", flat=True)
    lost = stored - set(wanted)
    for set_id in lost:
        remove_set(set_id)
    return {"sets": swept, "uploads": uploads, "folders": len(lost)}


def sets_of(seller: Seller) -> QuerySet[PhotoSet]:
    """Find the seller's sets, newest first."""
    return PhotoSet.objects.filter(seller=seller).order_by("-created_at", "pk")


def items_of(photo_set: PhotoSet) -> QuerySet[PhotoItem]:
    """Find the lines of a set's inventory with their photos."""
    return PhotoItem.objects.filter(photo_set=photo_set).prefetch_related("photos").order_by("position")


def fail_set(set_id: Any, *, code: str, message: str) -> PhotoSet | None:
    """Say of a set why no inventory was made of it, in the caller's transaction; it takes photos again."""
    row = PhotoSet.objects.select_for_update().filter(pk=set_id, status=Status.QUEUED).first()
    if row is not None:
        row.status, row.error_code, row.error_message = Status.OPEN, code, message
        row.save(update_fields=["status", "error_code", "error_message"])
    return row


def takes_photos(row: PhotoSet) -> bool:
    """Tell whether photos may come and go: nothing is made of them, also because its job was cancelled by staff."""
    if row.status != Status.QUEUED:
        return row.status == Status.OPEN
    job = _job_of(row)
    return job is None or job.state in FINAL_STATES


def _job_of(row: PhotoSet) -> Job | None:
    return None if row.job_id is None else Job.objects.filter(pk=row.job_id).first()


def _cancel(row: PhotoSet, *, actor: str, reason: str) -> None:
    if row.job_id is None:
        return
    try:
        cancel_job(row.job_id, actor=actor, reason=reason)
    except (Job.DoesNotExist, AlreadyFinal):  # since we looked
        return
