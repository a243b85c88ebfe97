"""Every table of the engine: Django looks for an app's models here, and so does everybody else."""

from jobs.models.ledger import (
    DeadLetter,
    ImportedJob,
    Job,
    JobAttempt,
    JobDependency,
    JobEvent,
    JobGroup,
    JobKey,
    JobLine,
)
from jobs.models.operations import Audit, BulkRetry, TaskMinute, Worker
from jobs.models.states import FINAL_STATES, LIVE_STATES, Priority, State
from jobs.models.turns import Gate, Lane, Schedule, TaskSwitch, Tenant

__all__ = [
    "FINAL_STATES",
    "LIVE_STATES",
    "Audit",
    "BulkRetry",
    "DeadLetter",
    "Gate",
    "ImportedJob",
    "Job",
    "JobAttempt",
    "JobDependency",
    "JobEvent",
    "JobGroup",
    "JobKey",
    "JobLine",
    "Lane",
    "Priority",
    "Schedule",
    "State",
    "TaskMinute",
    "TaskSwitch",
    "Tenant",
    "Worker",
]
