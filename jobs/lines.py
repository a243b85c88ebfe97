"""What jobs have said, read back: the log of one, the progress of many."""

from collections.abc import Collection

from django.db.models import QuerySet

from jobs.models import JobLine

MAX_LINES_A_READ = 1_000


def lines_after(job_id: int, after_id: int = 0, limit: int = MAX_LINES_A_READ) -> QuerySet[JobLine]:
    """Return the job's lines with a greater id than `after_id`, oldest first: ask again with the last one's id."""
    return JobLine.objects.filter(job_id=job_id, id__gt=after_id).order_by("id")[: min(limit, MAX_LINES_A_READ)]


def progress_of(job_ids: Collection[int]) -> dict[int, tuple[float, str]]:
    """Return the latest step of each job that has told one: percent and message."""
    latest = (
        JobLine.objects.filter(job_id__in=job_ids, progress_pct__isnull=False)
        .order_by("job_id", "-id")
        .distinct("job_id")
        .values_list("job_id", "progress_pct", "message")
    )
    return {job_id: (progress_pct or 0.0, message) for job_id, progress_pct, message in latest}
