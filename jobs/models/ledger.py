"""The ledger: jobs, and what is kept of each. The hot statements on these tables are in `jobs.sql`."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models.states import Priority, State


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


class ImportedJob(models.Model):
    """A job that was imported from an earlier system, by its id there."""

    pk = models.CompositePrimaryKey("source", "external_id")
    source = models.CharField(max_length=100)
    external_id = models.CharField(max_length=200)
    job_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"
