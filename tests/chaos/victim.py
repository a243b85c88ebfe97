"""A worker that passes the crash points of a batch's life."""

from typing import Any

from django.db import transaction

from jobs import execution, settling
from jobs.batch import ClaimedJob
from jobs.worker import PermitWorker
from tests.chaos.crash_points import reach

_claim, _settle = execution.claim, settling.settle


def _claim_in_steps(*arguments: Any, **options: Any) -> list[ClaimedJob]:
    with transaction.atomic():
        jobs = _claim(*arguments, **options)
        if jobs:
            reach("claiming")
    if jobs:
        reach("claimed")
    return jobs


def _settle_in_steps(*arguments: Any, **options: Any) -> Any:
    reach("handled")
    settled = _settle(*arguments, **options)
    reach("settled")
    return settled


class VictimWorker(PermitWorker):
    """Works as any worker does, in steps that a trap can be set at."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        execution.claim = _claim_in_steps
        settling.settle = _settle_in_steps

    def execute_job(self, job: Any, queue: Any) -> None:
        """Work on a permit that has been popped."""
        reach("popped")
        super().execute_job(job, queue)
