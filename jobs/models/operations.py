"""The workers, what they did, and what operators do."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone


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
