"""Who is next, who waits, and what comes at set times."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs.models.states import Priority


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
