"""What the API says of jobs."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.models import Job, JobAttempt, Priority, State
from jobs.pages.presentation import shown_error
from jobs.progress import progress_pct
from jobs.sensitive import shown_json, shown_text


class AttemptSerializer(serializers.ModelSerializer[JobAttempt]):
    """An attempt that did not succeed; its traceback is for staff."""

    error_message = serializers.SerializerMethodField()

    class Meta:
        model = JobAttempt
        fields = ["attempt", "started_at", "ended_at", "family", "error_code", "error_message", "decision"]

    def get_error_message(self, attempt: JobAttempt) -> str:
        """Return the message, as far as it may be seen."""
        return shown_text(attempt.error_message, task_name=attempt.job.task, payload=attempt.job.payload)


class FailureSerializer(serializers.Serializer[dict[str, str]]):
    """Why the last attempt failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class JobSerializer(serializers.Serializer[Job]):
    """A job, as its tenant sees it."""

    id = serializers.IntegerField()
    task = serializers.CharField()
    queue = serializers.CharField()
    tenant = serializers.CharField()
    group = serializers.CharField(source="grp", allow_null=True)
    state = serializers.ChoiceField(choices=State.choices)
    priority = serializers.SerializerMethodField()
    progress_pct = serializers.SerializerMethodField(help_text="100 once the job is completed, else what it said last.")
    attempts_made = serializers.IntegerField(source="attempt")
    max_attempts = serializers.IntegerField()
    attempts = AttemptSerializer(many=True, help_text="Those that did not succeed.")
    failure = serializers.SerializerMethodField()
    payload = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    retry_of = serializers.IntegerField(source="origin_id", allow_null=True)
    enqueued_at = serializers.DateTimeField(source="created_at")
    run_at = serializers.DateTimeField(help_text="When it is, or was, due.")
    processed_at = serializers.DateTimeField(
        source="started_at", allow_null=True, help_text="When its last attempt began."
    )
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_priority(self, job: Job) -> str:
        """Return the priority's name."""
        return Priority(job.priority).name.lower()

    def get_progress_pct(self, job: Job) -> float:
        """Return how far the job is."""
        return progress_pct(job)

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_result(self, job: Job) -> Any:
        """Return the result, as far as it may be seen."""
        return shown_json(job.result, task_name=job.task)

    @extend_schema_field(serializers.DictField())
    def get_payload(self, job: Job) -> dict[str, Any]:
        """Return the payload, as far as it may be seen."""
        shown: dict[str, Any] = shown_json(job.payload, task_name=job.task)
        return shown

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, job: Job) -> dict[str, str] | None:
        """Return the code and message of the last failure, if there was one."""
        if not job.error_code:
            return None
        return {
            "code": job.error_code,
            "message": shown_error(job),
        }
