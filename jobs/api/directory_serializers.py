"""What the staff's API says in the words of the business directory's specification: jobs and dead letters."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.serializers import AttemptSerializer
from jobs.api.staff_serializers import FullJobSerializer
from jobs.models import DeadLetter, Job, State
from jobs.pages.presentation import shown_error
from jobs.progress import progress_pct
from jobs.sensitive import shown_json, shown_text

# Where a job's payload may name the business that it is about.
BUSINESS_KEYS = ("businessId", "business_id", "business")

# The specification's names of what a job's metadata holds.
METADATA = {
    "triggeredBy": "by", "at": "at", "source": "source", "retriedAt": "retried_at", "originalName": "original_name",
}  # fmt: skip


class JobReportSerializer(serializers.Serializer[Job]):
    """A job as the directory's specification names things; `job` says the same, and more, in our words."""

    jobId = serializers.IntegerField(source="id")
    businessId = serializers.SerializerMethodField(help_text="What the job is about, where it names a business.")
    state = serializers.ChoiceField(choices=State.choices)
    progress = serializers.SerializerMethodField(help_text="In percent.")
    operation = serializers.SerializerMethodField(help_text="create, update, bulk or retry, where the job names one.")
    attemptsMade = serializers.IntegerField(source="attempt")
    maxRetries = serializers.IntegerField(source="max_attempts")
    metadata = serializers.SerializerMethodField(help_text="Who asked for it, when and by which way.")
    failedReason = serializers.SerializerMethodField()
    processedOn = serializers.DateTimeField(source="started_at", allow_null=True)
    finishedOn = serializers.DateTimeField(source="finished_at", allow_null=True)
    job = FullJobSerializer(source="*")

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_businessId(self, job: Job) -> Any:
        """Return the business that the payload names, if any."""
        payload = shown_json(job.payload, task_name=job.task)
        return next((payload[key] for key in BUSINESS_KEYS if key in payload), None)

    def get_operation(self, job: Job) -> str | None:
        """Return what the payload asks for."""
        payload = shown_json(job.payload, task_name=job.task)
        return str(payload["operation"]) if "operation" in payload else None

    @extend_schema_field(serializers.DictField(child=serializers.CharField(allow_null=True)))
    def get_metadata(self, job: Job) -> dict[str, str | None]:
        """Return who asked for the job, when and by which way."""
        return {name: job.meta.get(ours) for name, ours in METADATA.items()}

    def get_progress(self, job: Job) -> float:
        """Return how far the job is."""
        return progress_pct(job)

    def get_failedReason(self, job: Job) -> str | None:
        """Return the last error's message, if there was one."""
        return shown_error(job) or job.error_code or None


class LetterSerializer(serializers.Serializer[DeadLetter]):
    """A dead letter, as the directory's specification names things."""

    jobId = serializers.IntegerField(source="job_id")
    task = serializers.CharField()
    tenant = serializers.CharField()
    payload = serializers.SerializerMethodField()
    reason = serializers.CharField()
    errorCode = serializers.CharField(source="error_code")
    errorMessage = serializers.SerializerMethodField()
    stackTrace = serializers.SerializerMethodField()
    statusCode = serializers.IntegerField(source="status_code", allow_null=True)
    attempts = AttemptSerializer(source="job.attempts", many=True)
    enqueuedAt = serializers.DateTimeField(source="enqueued_at")
    lastAttemptAt = serializers.DateTimeField(source="last_attempt_at")
    resolvedAt = serializers.DateTimeField(source="resolved_at", allow_null=True)
    resolvedBy = serializers.CharField(source="resolved_by")

    def get_errorMessage(self, letter: DeadLetter) -> str:
        """Return the error's message, as far as it may be seen."""
        return shown_text(letter.error_message, task_name=letter.task, payload=letter.job.payload)

    def get_stackTrace(self, letter: DeadLetter) -> str:
        """Return the traceback, as far as it may be seen."""
        return shown_text(letter.traceback, task_name=letter.task, payload=letter.job.payload)

    @extend_schema_field(serializers.DictField())
    def get_payload(self, letter: DeadLetter) -> dict[str, Any]:
        """Return the payload, as far as it may be seen."""
        shown: dict[str, Any] = shown_json(letter.job.payload, task_name=letter.task)
        return shown


class AlertSerializer(serializers.Serializer[Any]):
    """Too many are open."""

    severity = serializers.CharField()
    message = serializers.CharField()
    action = serializers.CharField()


class DeadLettersSerializer(serializers.Serializer[Any]):
    """The dead-letter queue at a glance."""

    count = serializers.IntegerField(help_text="Open ones, up to the limit.")
    count_limit = serializers.IntegerField()
    recent = LetterSerializer(many=True, help_text="The ten most recent ones.")
    oldest = LetterSerializer(allow_null=True)
    alert = AlertSerializer(allow_null=True)


class OptionalReasonSerializer(serializers.Serializer[Any]):
    """Why; the specification's clients give none."""

    reason = serializers.CharField(max_length=500, required=False)


class RequeuedSerializer(serializers.Serializer[Any]):
    """The new job that tries the dead one again."""

    status = serializers.ChoiceField(choices=["requeued"])
    jobId = serializers.IntegerField()
    retryOf = serializers.IntegerField()
