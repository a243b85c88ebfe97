"""Where a job is, and who goes first."""

from django.db import models


class Priority(models.IntegerChoices):
    """Who goes first; a smaller number overtakes."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class State(models.TextChoices):
    """Where a job is. The last four are final."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    GATED = "gated"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


FINAL_STATES = (State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED)
LIVE_STATES = (State.WAITING, State.SCHEDULED, State.GATED, State.PENDING, State.RUNNING)
