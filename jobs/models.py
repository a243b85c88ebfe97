"""The ledger and what stands beside it. The hot statements on these tables are in `jobs.sql`."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
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
        "Worker",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="jobs",
        db_index=False,
        db_constraint=False,
    )
    gate = models.CharField(  # noqa: DJ001 NULL keeps it out of the index
        max_length=500, null=True, blank=True, help_text="The keys that it waits behind, sorted, a space between two."
    )
    grp = models.CharField("group", max_length=100, null=True, blank=True)  # noqa: DJ001 NULL as above
    key = models.CharField("idempotency key", max_length=200, null=True, blank=True)  # noqa: DJ001 NULL: none
    # No constraint: checking one costs each deleted job a scan of the table, and each claimed one a lookup.
    origin = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="retries",
        db_index=False,
        db_constraint=False,
        help_text="The job that this one tries again.",
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="children",
        db_index=False,
        db_constraint=False,
        help_text="The job that started this one.",
    )
    is_cancelling = models.BooleanField(
        default=False, db_default=False, help_text="Runs, and will end as cancelled whatever it does."
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
        permissions = [("view_sensitive", "Can see what sensitive jobs carry")]
        indexes = [
            models.Index(fields=["queue", "priority", "vtime", "id"], name="job_claim", condition=Q(state="pending")),
            models.Index(fields=["run_at"], name="job_scheduled", condition=Q(state="scheduled")),
            models.Index(fields=["gate", "priority", "vtime", "id"], name="job_gated", condition=Q(state="gated")),
            models.Index(fields=["worker"], name="job_running", condition=Q(state="running")),
            # A virtual time is never negative: who does not say so cannot be led to this index. Without that, and with
            # statistics of the time when nothing waited, the tick read it whole for each gate (minutes; measured).
            models.Index(
                fields=["queue", "priority", "tenant", "vtime"],
                name="job_fair",
                condition=Q(state__in=["pending", "gated"], vtime__gte=0),
            ),
            models.Index(
                fields=["gate"],
                name="job_in_flight",
                condition=Q(gate__isnull=False, state__in=["pending", "running"]),
            ),
            models.Index(fields=["parent"], name="job_parent", condition=Q(parent__isnull=False)),
            models.Index(fields=["tenant", "id"], name="job_tenant"),
            models.Index(fields=["grp", "state"], name="job_group_state", condition=Q(grp__isnull=False)),
            models.Index(fields=["queue"], name="job_suspect", condition=Q(state="pending", is_suspect=True)),
            # For lists that people look at. Not of all states: those that a job passes on its way would cost each job.
            models.Index(
                fields=["state", "id"], name="job_given_up", condition=Q(state__in=["failed", "dead", "cancelled"])
            ),
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
    otherwise_task = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="Started instead when a job was not completed."
    )
    otherwise_payload = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    parent_job_id = models.BigIntegerField(null=True, blank=True, help_text="The job that opened the group.")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    outcome = models.JSONField(null=True, blank=True, help_text="Its jobs by final state, once it is final.")
    created_at = models.DateTimeField(default=timezone.now)
    final_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="group_open", condition=Q(final_at__isnull=True))]

    def __str__(self) -> str:
        return self.name


class JobDependency(models.Model):
    """A job that waits for another to be final."""

    pk = models.CompositePrimaryKey("on_id", "job_id")
    job = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, related_name="dependencies", db_constraint=False, db_index=True
    )
    on = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, related_name="dependents", db_constraint=False, db_index=False
    )
    runs_anyway = models.BooleanField(
        default=False, help_text="Runs also when the other was not completed; else it is cancelled."
    )

    def __str__(self) -> str:
        return f"{self.job_id} after {self.on_id}"


class Lane(models.Model):
    """The virtual time of fair queueing in one queue and priority: how far its jobs have been claimed."""

    pk = models.CompositePrimaryKey("queue", "priority")
    queue = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField(choices=Priority)
    vtime = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.queue} {self.get_priority_display()}"


class Tenant(models.Model):
    """What is particular to a tenant: its share, and its limits. A tenant without a row has weight 1 and no limits."""

    name = models.CharField(max_length=100, primary_key=True)
    weight = models.FloatField(default=1, help_text="Its share of each lane, beside the others'.")
    max_in_flight = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jobs that may be due or running at once; none: no limit."
    )
    max_waiting = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jobs that may wait before submissions are refused; none: the default."
    )
    submissions_per_min = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jobs that it may submit a minute; none: the default."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(weight__gt=0), name="tenant_weight_is_positive")]

    def __str__(self) -> str:
        return self.name


class Gate(models.Model):
    """A pace or a pause that the jobs with its key wait behind.

    Keys name what is limited: `domain:shop.example`, `gemini`; `task:NAME` and `tenant:NAME` hold every job of the
    task or the tenant, `queue:NAME` stops the queue.
    """

    key = models.CharField(max_length=200, primary_key=True)
    rate_per_s = models.FloatField(null=True, blank=True, help_text="As the code declares it; none: no pace.")
    burst = models.FloatField(default=1)
    staff_rate_per_s = models.FloatField(null=True, blank=True, help_text="Set by staff: goes before the declared one.")
    staff_burst = models.FloatField(null=True, blank=True)
    max_in_flight = models.PositiveIntegerField(null=True, blank=True, help_text="Jobs due or running at once.")
    is_paused = models.BooleanField(default=False, db_default=False)
    closed_until = models.DateTimeField(null=True, blank=True, help_text="A circuit breaker's: nothing passes before.")
    tokens = models.FloatField(default=0)
    refilled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(rate_per_s__isnull=True) | Q(rate_per_s__gt=0))
                & (Q(staff_rate_per_s__isnull=True) | Q(staff_rate_per_s__gt=0))
                & (Q(staff_burst__isnull=True) | Q(staff_burst__gte=1))
                & Q(burst__gte=1),
                name="gate_lets_something_pass",
            )
        ]
        indexes = [models.Index(fields=["key"], name="gate_paused", condition=Q(is_paused=True))]

    def __str__(self) -> str:
        return self.key


class TaskSwitch(models.Model):
    """A task that is not simply on."""

    class Mode(models.TextChoices):
        ON = "on", "on"
        OFF = "off", "off: what is enqueued waits"
        INLINE = "inline", "inline: runs at once, where it is enqueued"

    task = models.CharField(max_length=100, primary_key=True)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.ON)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return f"{self.task}: {self.mode}"


class Schedule(models.Model):
    """A job that is enqueued at set times, once for each time, however many dispatchers run."""

    class CatchUp(models.TextChoices):
        SKIP = "skip", "skip what was missed"
        ONE = "one", "run once for all that was missed"
        ALL = "all", "run each that was missed"

    name = models.CharField(max_length=100, unique=True)
    task = models.CharField(max_length=100)
    payload = models.JSONField(default=dict, blank=True)
    tenant = models.CharField(max_length=100, blank=True, default="")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    crontab = models.CharField(max_length=100, blank=True, default="", help_text="Like 30 3 * * 1; or an interval.")
    every_s = models.PositiveIntegerField("every (s)", null=True, blank=True, help_text="An interval in seconds.")
    time_zone = models.CharField(max_length=64, default="UTC")
    catch_up = models.CharField(max_length=4, choices=CatchUp, default=CatchUp.ONE)
    is_enabled = models.BooleanField(default=True)
    is_declared = models.BooleanField(default=False, help_text="Comes with the code; its times may be changed.")
    next_run_at = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_job_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(crontab="", every_s__gt=0) | (~Q(crontab="") & Q(every_s__isnull=True)),
                name="schedule_has_crontab_or_interval",
            )
        ]
        indexes = [models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(is_enabled=True))]

    def __str__(self) -> str:
        return self.name


class JobLine(models.Model):
    """A line that a job logged, or a step of its progress, while it ran."""

    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, related_name="lines", db_constraint=False, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="INFO")
    message = models.TextField(blank=True)
    progress_pct = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "id"], name="line_of_job")]

    def __str__(self) -> str:
        return self.message


class JobEvent(models.Model):
    """State changes, or a step of something larger, on their way to the streams: an outbox, emptied by the dispatcher.

    The arrays are parallel, one entry a job, and `kind` is the jobs' new state. A row with a topic has a body instead.
    """

    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=50)
    ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    tasks = ArrayField(models.TextField(), null=True, blank=True)
    tenants = ArrayField(models.TextField(), null=True, blank=True)
    groups = ArrayField(models.TextField(null=True), null=True, blank=True)
    topic = models.CharField(max_length=200, blank=True, default="", db_default="")
    body = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.topic}".strip()


class Worker(models.Model):
    """A worker process, alive while its session on PostgreSQL lasts."""

    class Status(models.TextChoices):
        ACTIVE = "active"  # loads what its tasks need; takes no work yet
        IDLE = "idle"
        BUSY = "busy"
        ERROR = "error"  # its last batch could not be settled; it tries again
        OFFLINE = "offline"

    name = models.CharField(max_length=200)
    hostname = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = ArrayField(models.CharField(max_length=100))
    status = models.CharField(max_length=10, choices=Status, default=Status.IDLE)
    jobs_done = models.PositiveBigIntegerField(default=0)
    busy_s = models.FloatField(default=0, help_text="Seconds spent in handlers.")
    memory_bytes = models.PositiveBigIntegerField(default=0)
    cpu_pct = models.FloatField(default=0, db_default=0, help_text="Of one core, over the last beats.")
    restarts = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Processes of the same name before it, in the last 24 h."
    )
    capabilities = ArrayField(
        models.CharField(max_length=100),
        default=list,
        db_default=models.Value([], ArrayField(models.CharField(max_length=100))),
        help_text="The tasks that it can run.",
    )
    max_concurrency = models.PositiveIntegerField(default=1, db_default=1)
    tenant = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Serves only this one.")
    batch = models.JSONField(null=True, blank=True, help_text="What it holds now: task, job ids, since when.")
    last_error = models.TextField(blank=True, default="", db_default="")
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(
        max_length=50, blank=True, default="", help_text="stopped, recycled, crashed or silent"
    )

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
        SUPERSEDED = "superseded"  # the same subject failed again, in a later job

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="dead_letter")
    task = models.CharField(max_length=100)
    tenant = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=20, help_text="permanent, quota, exhausted or quarantined")
    error_code = models.CharField(max_length=100)
    error_message = models.TextField()
    traceback = models.TextField(blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the answer that made it fail.")
    subject = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="What the job was about, for a later one."
    )
    enqueued_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    resolution = models.CharField(max_length=10, choices=Resolution, blank=True, default=Resolution.OPEN)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    resolution_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["task", "id"], name="dead_letter_open", condition=Q(resolution="")),
            models.Index(fields=["subject"], name="dead_letter_subject", condition=Q(resolution="") & ~Q(subject="")),
        ]

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
    filter = models.JSONField(null=True, blank=True, help_text="Which ones, when it was done to all that match.")
    count = models.PositiveIntegerField(default=1, db_default=1, help_text="To how many.")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit"

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class BulkRetry(models.Model):
    """All dead letters that match a filter, tried again in the background: a few first, the others if those do well."""

    class State(models.TextChoices):
        CANARY = "canary", "trying the first ones"
        RUNNING = "running"
        HELD = "held", "held: of the first ones, some failed again"
        FINISHED = "finished"
        STOPPED = "stopped"

    filter = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.CANARY)
    canary = models.PositiveIntegerField(default=10)
    rate_per_s = models.FloatField(default=50)
    total = models.PositiveIntegerField(default=0, help_text="Letters that matched when it began.")
    retried = models.PositiveIntegerField(default=0)
    last_letter_id = models.BigIntegerField(default=0)
    canary_jobs = ArrayField(models.BigIntegerField(), default=list)
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "bulk retries"

    def __str__(self) -> str:
        return f"bulk retry {self.pk}"


class ImportedJob(models.Model):
    """A job that was imported from an earlier system, by its id there."""

    pk = models.CompositePrimaryKey("source", "external_id")
    source = models.CharField(max_length=100)
    external_id = models.CharField(max_length=200)
    job_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"
