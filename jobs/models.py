"""The ledger and what stands beside it. The hot statements on these tables are in `jobs.sql`."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone


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


class Job(models.Model):
    """One unit of a task's work for one subject: a row of the ledger."""

    id = models.BigAutoField(primary_key=True)
    task = models.CharField(max_length=100)
    queue = models.CharField(max_length=100)
    tenant = models.CharField(max_length=100, blank=True, default="")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    vtime = models.FloatField(default=0, help_text="Virtual time of fair queueing.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Executions that count, so far.")
    max_attempts = models.PositiveSmallIntegerField(default=3)
    waits = models.PositiveSmallIntegerField(default=0, help_text="Times that a rate limit sent it back.")
    crashes = models.PositiveSmallIntegerField(default=0, help_text="Workers that died while they held it alone.")
    is_suspect = models.BooleanField(default=False, help_text="Was in a batch whose worker died: runs alone.")
    lease = models.BigIntegerField(default=0, help_text="Grows with each claim: the fencing token.")
    worker = models.ForeignKey(
        "Worker", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs", db_index=False
    )
    gate = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 NULL keeps it out of the index
    grp = models.CharField("group", max_length=100, null=True, blank=True)  # noqa: DJ001 NULL as above
    key = models.CharField("idempotency key", max_length=200, null=True, blank=True)  # noqa: DJ001 NULL: none
    origin = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
        db_index=False,
        help_text="The dead job that this one tries again.",
    )
    payload = models.JSONField(default=dict)
    meta = models.JSONField(default=dict, help_text="Source, user, correlation id, parent job.")
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=100, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    run_at = models.DateTimeField(default=timezone.now, help_text="When it is, or was, due.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["queue", "priority", "vtime", "id"], name="job_claim", condition=Q(state="pending")),
            models.Index(fields=["run_at"], name="job_scheduled", condition=Q(state="scheduled")),
            models.Index(fields=["gate", "priority", "vtime", "id"], name="job_gated", condition=Q(state="gated")),
            models.Index(fields=["worker"], name="job_running", condition=Q(state="running")),
            models.Index(fields=["tenant", "id"], name="job_tenant"),
            models.Index(fields=["grp", "state"], name="job_group_state", condition=Q(grp__isnull=False)),
            models.Index(fields=["queue"], name="job_suspect", condition=Q(state="pending", is_suspect=True)),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.pk}"


class JobAttempt(models.Model):
    """An execution that did not succeed. The one that did is told by the job's own row."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    attempt = models.PositiveSmallIntegerField()
    worker_name = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    family = models.CharField(max_length=20, help_text="retryable, rate_limited, permanent, quota, bug or crash")
    error_code = models.CharField(max_length=100)
    error_message = models.TextField()
    traceback = models.TextField(blank=True)
    decision = models.CharField(max_length=200, help_text="What the retry policy decided.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.job_id}"


class JobKey(models.Model):
    """An idempotency key and the job that holds it."""

    pk = models.CompositePrimaryKey("task", "key")
    task = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    job_id = models.BigIntegerField(db_index=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.task} {self.key}"


class JobGroup(models.Model):
    """A set of jobs; when its last one is final, one follow-up job starts."""

    name = models.CharField(max_length=100, primary_key=True)
    tenant = models.CharField(max_length=100, blank=True, default="")
    then_task = models.CharField(max_length=100, blank=True, default="")
    then_payload = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    created_at = models.DateTimeField(default=timezone.now)
    final_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="group_open", condition=Q(final_at__isnull=True))]

    def __str__(self) -> str:
        return self.name


class Gate(models.Model):
    """A pace that jobs with its key wait behind, as a token bucket."""

    key = models.CharField(max_length=200, primary_key=True)
    rate_per_s = models.FloatField()
    burst = models.FloatField(default=1)
    tokens = models.FloatField(default=0)
    refilled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rate_per_s__gt=0) & Q(burst__gte=1), name="gate_lets_something_pass")
        ]

    def __str__(self) -> str:
        return self.key


class Worker(models.Model):
    """A worker process, alive while its session on PostgreSQL lasts."""

    class Status(models.TextChoices):
        IDLE = "idle"
        BUSY = "busy"
        OFFLINE = "offline"

    name = models.CharField(max_length=200)
    hostname = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = ArrayField(models.CharField(max_length=100))
    status = models.CharField(max_length=10, choices=Status, default=Status.IDLE)
    jobs_done = models.PositiveBigIntegerField(default=0)
    busy_s = models.FloatField(default=0, help_text="Seconds spent in handlers.")
    memory_bytes = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=50, blank=True, default="", help_text="stopped, crashed or silent")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["beat_at"], name="worker_alive", condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return self.name


class DeadLetter(models.Model):
    """A job that could not be done, kept with every attempt until somebody resolves it."""

    class Resolution(models.TextChoices):
        OPEN = "", "open"
        RETRIED = "retried"
        DISCARDED = "discarded"

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="dead_letter")
    task = models.CharField(max_length=100)
    tenant = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=20, help_text="permanent, quota, exhausted or quarantined")
    error_code = models.CharField(max_length=100)
    error_message = models.TextField()
    traceback = models.TextField(blank=True)
    enqueued_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    resolution = models.CharField(max_length=10, choices=Resolution, blank=True, default=Resolution.OPEN)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    resolution_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["task", "id"], name="dead_letter_open", condition=Q(resolution=""))]

    def __str__(self) -> str:
        return f"{self.task} {self.job_id}: {self.error_code}"


class TaskMinute(models.Model):
    """What one worker did of one task in one minute."""

    pk = models.CompositePrimaryKey("minute", "task", "worker_id")
    minute = models.DateTimeField()
    task = models.CharField(max_length=100)
    worker_id = models.BigIntegerField()
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text="Failed or dead.")
    retried = models.PositiveIntegerField(default=0)
    run_s = models.FloatField(default=0)
    wait_s = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.task} at {self.minute:%H:%M}"


class Audit(models.Model):
    """What an operator did, to what, and why."""

    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=50)
    subject = models.CharField(max_length=200)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit"

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"
