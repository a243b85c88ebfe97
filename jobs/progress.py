"""How far one job is, and what it said last."""

from jobs.lines import progress_of
from jobs.models import Job, JobLine, State
from jobs.sensitive import shown_line

LINES_SHOWN = 200


def last_lines(job_id: int) -> list[JobLine]:
    """Return the job's last lines, oldest first, as they may be shown; they are not for saving."""
    lines = list(JobLine.objects.filter(job_id=job_id).order_by("-id")[:LINES_SHOWN])[::-1]
    for line in lines:
        line.message = shown_line(line.message)
    return lines


def progress_pct(job: Job) -> float:
    """Tell how far the job is: 100 once it is completed, else what it said last."""
    if job.state == State.COMPLETED:
        return 100.0
    return progress_of([job.pk]).get(job.pk, (0.0, ""))[0]
