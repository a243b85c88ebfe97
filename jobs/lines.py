"""What jobs logged while they ran, and how far they came."""

from jobs.models import Job, JobLine, State

MAX_LINES = 200


def lines_of(job_id: int) -> list[JobLine]:
    """Return the job's last lines, oldest first."""
    return list(JobLine.objects.filter(job_id=job_id).order_by("-id")[:MAX_LINES])[::-1]


def progress_pct(job: Job) -> float:
    """Tell how far the job is: 100 once it is completed, else what it said last."""
    if job.state == State.COMPLETED:
        return 100.0
    said = (
        JobLine.objects.filter(job_id=job.pk, progress_pct__isnull=False)
        .order_by("-id")
        .values_list("progress_pct", flat=True)
        .first()
    )
    return said or 0.0
