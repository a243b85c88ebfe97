"""What the staff's API reads and writes."""

from typing import Any

from django.db.models import TextChoices
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.serializers import FailureSerializer, JobSerializer
from jobs.batch import NewJob
from jobs.bulk import MAX_RATE_PER_S
from jobs.models import BulkRetry, Gate, Job, JobLine, Priority, State, TaskSwitch, Tenant
from jobs.pages.presentation import shown_error
from jobs.progress import last_lines
from jobs.registry import UnknownTask, get_task
from jobs.selection import JobFilter, LetterFilter

MAX_JOBS_A_REQUEST = 1_000


class PriorityName(TextChoices):
    """The priorities by name."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def priority(self) -> Priority:
        """The priority of that name."""
        return Priority[self.name]


class GivenReasonSerializer(serializers.Serializer[Any]):
    """Why; it is kept in the audit log."""

    reason = serializers.CharField(max_length=500)


class CancelSerializer(GivenReasonSerializer):
    """Cancel one job, or its whole tree."""

    tree = serializers.BooleanField(default=False, help_text="With all jobs that came of it.")


class PrioritiseSerializer(GivenReasonSerializer):
    """Change a priority."""

    priority = serializers.ChoiceField(choices=PriorityName.choices)


class JobFilterSerializer(serializers.Serializer[Any]):
    """Jobs that match all that is given."""

    state = serializers.ChoiceField(choices=State.choices, required=False)
    task = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)
    tenant = serializers.CharField(required=False)
    group = serializers.CharField(required=False)
    priority = serializers.ChoiceField(choices=PriorityName.choices, required=False)
    error_code = serializers.CharField(required=False)
    created_before = serializers.DateTimeField(required=False)

    @property
    def wanted(self) -> JobFilter:
        """The filter, once the data is valid."""
        return job_filter(self.validated_data)


class ChosenJobsSerializer(GivenReasonSerializer):
    """Which jobs, and why."""

    filter = JobFilterSerializer()

    def validate_filter(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse a filter that matches everything: that is more likely a slip."""
        if not value:
            raise serializers.ValidationError("Say which jobs: an empty filter would be all of them.")
        return value


class PrioritiseChosenSerializer(ChosenJobsSerializer, PrioritiseSerializer):
    """Which jobs get which priority, and why."""


class CancelledSerializer(serializers.Serializer[Any]):
    """What a cancellation did."""

    cancelled = serializers.IntegerField(source="ended", help_text="Jobs that ended at once.")
    cancelling = serializers.IntegerField(source="marked", help_text="Running jobs that will end as cancelled.")
    is_more_left = serializers.BooleanField(help_text="There are more: ask again.")


class CountSerializer(serializers.Serializer[Any]):
    """How many jobs were changed."""

    count = serializers.IntegerField()


class NewJobSerializer(serializers.Serializer[Any]):
    """A job to enqueue."""

    task = serializers.CharField()
    payload = serializers.DictField(default=dict)
    tenant = serializers.CharField(required=False, allow_blank=True, max_length=100)
    priority = serializers.ChoiceField(choices=PriorityName.choices, required=False)
    key = serializers.CharField(required=False, max_length=200)
    group = serializers.CharField(required=False, max_length=100)
    delay_s = serializers.FloatField(required=False, min_value=0)

    def validate_task(self, value: str) -> str:
        """Refuse tasks that are not declared."""
        try:
            return get_task(value).name
        except UnknownTask as error:
            raise serializers.ValidationError(str(error)) from error

    def new_job(self, data: dict[str, Any]) -> NewJob:
        """Return the job that valid data describes."""
        priority = {"priority": PriorityName(data["priority"]).priority} if "priority" in data else {}
        return NewJob(**(data | priority))


class NewJobsSerializer(GivenReasonSerializer):
    """Jobs to enqueue, and why."""

    jobs = serializers.ListField(child=NewJobSerializer(), allow_empty=False, max_length=MAX_JOBS_A_REQUEST)


class AcceptedJobSerializer(serializers.Serializer[Any]):
    """A job that was accepted, or the one that stands for it already."""

    id = serializers.IntegerField()
    task = serializers.CharField()
    status = serializers.ChoiceField(choices=["queued", "duplicate"])


class AcceptedJobsSerializer(serializers.Serializer[Any]):
    """What became of each job, in the order given."""

    jobs = AcceptedJobSerializer(many=True)


class StaffJobSerializer(serializers.Serializer[Job]):
    """A job in a list."""

    id = serializers.IntegerField()
    task = serializers.CharField()
    queue = serializers.CharField()
    tenant = serializers.CharField()
    group = serializers.CharField(source="grp", allow_null=True)
    state = serializers.ChoiceField(choices=State.choices)
    is_cancelling = serializers.BooleanField()
    priority = serializers.SerializerMethodField()
    attempts_made = serializers.IntegerField(source="attempt")
    max_attempts = serializers.IntegerField()
    failure = serializers.SerializerMethodField()
    enqueued_at = serializers.DateTimeField(source="created_at")
    run_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(source="started_at", allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=PriorityName.choices))
    def get_priority(self, job: Job) -> str:
        """Return the priority's name."""
        return Priority(job.priority).name.lower()

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, job: Job) -> dict[str, str] | None:
        """Return the code and message of the last failure, if there was one."""
        return {"code": job.error_code, "message": shown_error(job)} if job.error_code else None


class LineSerializer(serializers.ModelSerializer[JobLine]):
    """A line that the job logged, or a step of its progress."""

    class Meta:
        model = JobLine
        fields = ["at", "level", "message", "progress_pct"]


class FullJobSerializer(JobSerializer):
    """A job with all that staff may see."""

    is_cancelling = serializers.BooleanField()
    key = serializers.CharField(allow_null=True)
    gate = serializers.CharField(allow_null=True)
    meta = serializers.DictField()
    parent_job = serializers.IntegerField(source="parent_id", allow_null=True)
    worker = serializers.CharField(source="worker.name", default=None, allow_null=True)
    lines = serializers.SerializerMethodField(help_text="The last ones that it logged.")

    @extend_schema_field(LineSerializer(many=True))
    def get_lines(self, job: Job) -> list[dict[str, Any]]:
        """Return the job's last lines, oldest first."""
        return [dict(line) for line in LineSerializer(last_lines(job.pk), many=True).data]


class LetterFilterSerializer(serializers.Serializer[Any]):
    """Open dead letters that match all that is given; {} is all of them."""

    task = serializers.CharField(required=False)
    tenant = serializers.CharField(required=False)
    error_code = serializers.CharField(required=False)
    reason = serializers.CharField(required=False, help_text="permanent, quota, exhausted or quarantined")


class NewBulkRetrySerializer(GivenReasonSerializer):
    """Which dead letters to retry, how fast, and why."""

    filter = LetterFilterSerializer()
    rate_per_s = serializers.FloatField(required=False, min_value=0.01, max_value=MAX_RATE_PER_S)
    canary = serializers.IntegerField(required=False, min_value=0, max_value=100)

    @property
    def wanted(self) -> LetterFilter:
        """The filter, once the data is valid."""
        return LetterFilter(**self.validated_data["filter"])


class BulkRetrySerializer(serializers.ModelSerializer[BulkRetry]):
    """How far a bulk retry is."""

    class Meta:
        model = BulkRetry
        fields = [
            "id",
            "state",
            "filter",
            "total",
            "retried",
            "canary",
            "canary_jobs",
            "rate_per_s",
            "actor",
            "reason",
            "created_at",
            "finished_at",
        ]


class PausedSerializer(serializers.Serializer[Any]):
    """Whether it is paused now."""

    name = serializers.CharField()
    is_paused = serializers.BooleanField()


class SwitchSerializer(GivenReasonSerializer):
    """Switch a task."""

    mode = serializers.ChoiceField(choices=TaskSwitch.Mode.choices)


class TaskSerializer(serializers.Serializer[Any]):
    """A declared task."""

    name = serializers.CharField()
    queue = serializers.CharField()
    mode = serializers.ChoiceField(choices=TaskSwitch.Mode.choices)
    is_paused = serializers.BooleanField()
    batch_size = serializers.IntegerField()
    attempts = serializers.IntegerField()
    timeout_s = serializers.FloatField()


class GateSerializer(serializers.ModelSerializer[Gate]):
    """A gate: the declared pace, staff's, and whether it is shut."""

    class Meta:
        model = Gate
        fields = [
            "key",
            "rate_per_s",
            "burst",
            "staff_rate_per_s",
            "staff_burst",
            "max_in_flight",
            "is_paused",
            "closed_until",
        ]


class PaceSerializer(GivenReasonSerializer):
    """Staff's pace for a gate."""

    rate_per_s = serializers.FloatField(min_value=0.0001)
    burst = serializers.FloatField(required=False, allow_null=True, min_value=1)


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    """A tenant's share and limits."""

    class Meta:
        model = Tenant
        fields = ["name", "weight", "max_in_flight", "max_waiting", "submissions_per_min"]


class TenantChangesSerializer(GivenReasonSerializer):
    """What to change of a tenant; what is left out stays."""

    weight = serializers.FloatField(required=False, min_value=0.001)
    max_in_flight = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    max_waiting = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    submissions_per_min = serializers.IntegerField(required=False, allow_null=True, min_value=1)


def job_filter(data: dict[str, Any]) -> JobFilter:
    """Return the filter that valid data describes."""
    priority = {"priority": PriorityName(data["priority"]).priority} if "priority" in data else {}
    return JobFilter(**(data | priority))
