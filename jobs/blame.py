"""Who is to blame when a handler or an effect breaks."""

import logging

from jobs.batch import Batch, Failed
from jobs.registry import Task
from jobs.retry import Family, family_of

logger = logging.getLogger(__name__)


def blame(batch: Batch, error: Exception, task: Task) -> None:
    """Undo what the batch wanted, and find the job to blame.

    Its effects may be missing, so none of its jobs may count as complete. A known error fails them all; a bug
    may be due to one of them, so they go back to run alone, and the guilty one fails alone.
    """
    batch.effects.clear()
    suspects = [job for job in batch.jobs if not isinstance(batch.outcomes.get(job.id), Failed)]
    if family_of(error) is Family.BUG and len(suspects) > 1:
        logger.error(
            "a batch broke: its jobs will run alone",
            exc_info=None if task.sensitive else error,
            extra={"task": task.name},
        )
        batch.isolate(suspects)
        return
    for job in suspects:
        batch.fail(job, error)
