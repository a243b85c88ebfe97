"""What the admin shows of one job."""

from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobs.family_tree import tree_of
from jobs.models import Job, State
from jobs.pages.presentation import (
    attempts_text,
    label,
    link,
    list_link,
    pretty_json,
    progress_bar,
    seconds_text,
    shown_error,
    subject_links,
    tenant_link,
)
from jobs.progress import last_lines, progress_pct
from jobs.sensitive import shown_json

STATE_LABELS = {
    State.WAITING: "info",
    State.SCHEDULED: "info",
    State.GATED: "info",
    State.PENDING: "info",
    State.RUNNING: "primary",
    State.COMPLETED: "success",
    State.FAILED: "danger",
    State.DEAD: "danger",
    State.CANCELLED: "warning",
}


class JobFields:
    """The columns of the list and the fields of the page."""

    fieldsets = [
        (
            None,
            {
                "fields": [
                    "task",
                    "state_label",
                    "progress",
                    "priority",
                    "queue",
                    "subjects",
                    "tenant_page",
                    "dead_letter_link",
                ]
            },
        ),
        ("Failure", {"fields": ["failure", "attempts_made", "attempt_list"]}),
        ("Tree", {"fields": ["tree"]}),
        ("Log", {"fields": ["log"]}),
        ("Data", {"fields": ["payload_json", "result_json", "meta_json"]}),
        ("Times", {"fields": ["created_at", "run_at", "started_at", "finished_at", "ran"]}),
        (
            "Engine",
            {
                "fields": [
                    "group",
                    "key",
                    "gate",
                    "lease",
                    "worker_link",
                    "waits",
                    "crashes",
                    "is_suspect",
                    "origin_link",
                    "audit_link",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = [
        "state_label",
        "subjects",
        "tenant_page",
        "dead_letter_link",
        "failure",
        "attempts_made",
        "attempt_list",
        "payload_json",
        "result_json",
        "meta_json",
        "ran",
        "group",
        "worker_link",
        "origin_link",
        "progress",
        "tree",
        "log",
        "audit_link",
    ]

    @display(description="job", ordering="id")
    def title(self, job: Job) -> str:
        """Name the job by its task and id."""
        return f"{job.task} {job.pk}"

    @display(description="state")
    def state_label(self, job: Job) -> SafeString:
        """Show the state; a scheduled job that failed before is retrying."""
        return state_label(job)

    @display(description="about")
    def subjects(self, job: Job) -> SafeString | str:
        """Link to what the payload names."""
        return subject_links(job.payload)

    @display(description="tenant")
    def tenant_page(self, job: Job) -> SafeString | str:
        """Link to the tenant, and to its jobs."""
        if not job.tenant:
            return "-"
        return format_html(
            "{} ({})", tenant_link(job.tenant), list_link("admin:jobs_job_changelist", f"q={job.tenant}", "its jobs")
        )

    @display(description="attempts")
    def attempts_made(self, job: Job) -> str:
        """Show attempts made, of those there are."""
        return f"{job.attempt} of {job.max_attempts}"

    @display(description="ran")
    def ran(self, job: Job) -> str:
        """Show how long the last attempt took."""
        if job.started_at is None or job.finished_at is None:
            return "-"
        return seconds_text((job.finished_at - job.started_at).total_seconds())

    @display(description="failure")
    def failure(self, job: Job) -> str:
        """Show the last error."""
        return f"{job.error_code}: {shown_error(job)}"[:200] if job.error_code else "-"

    @display(description="failed attempts")
    def attempt_list(self, job: Job) -> SafeString | str:
        """List the attempts that did not succeed."""
        return attempts_text(job)

    @display(description="payload")
    def payload_json(self, job: Job) -> SafeString | str:
        """Show the payload."""
        return pretty_json(shown_json(job.payload, task_name=job.task))

    @display(description="result")
    def result_json(self, job: Job) -> SafeString | str:
        """Show the result."""
        return pretty_json(shown_json(job.result, task_name=job.task))

    @display(description="meta")
    def meta_json(self, job: Job) -> SafeString | str:
        """Show what came along with the job."""
        return pretty_json(job.meta)

    @display(description="dead letter")
    def dead_letter_link(self, job: Job) -> SafeString | str:
        """Link to the job's entry in the dead-letter queue."""
        letter = getattr(job, "dead_letter", None)
        if letter is None:
            return "-"
        return link("admin:jobs_deadletter_change", letter.pk, letter.get_resolution_display())

    @display(description="group")
    def group(self, job: Job) -> SafeString | str:
        """Link to the jobs of the group."""
        return list_link("admin:jobs_job_changelist", f"q={job.grp}", job.grp) if job.grp else "-"

    @display(description="worker")
    def worker_link(self, job: Job) -> SafeString | str:
        """Link to the worker that has, or had, the job."""
        return link("admin:jobs_worker_change", job.worker.pk, job.worker) if job.worker else "-"

    @display(description="retry of")
    def origin_link(self, job: Job) -> SafeString | str:
        """Link to the dead job that this one tries again."""
        return link("admin:jobs_job_change", job.origin_id, f"job {job.origin_id}") if job.origin_id else "-"

    @display(description="progress")
    def progress(self, job: Job) -> SafeString | str:
        """Show how far the job says it is."""
        pct = progress_pct(job)
        return progress_bar(pct, f"{pct:.0f} %") if pct or job.state == State.RUNNING else "-"

    @display(description="tree")
    def tree(self, job: Job) -> SafeString | str:
        """Show what the job came of, and what came of it."""
        found = tree_of(job)
        if len(found.nodes) == 1:
            return "It came of no other job, and none came of it."
        return render_to_string(
            "jobs/tree.html", {"nodes": [(node, state_label(node.job)) for node in found.nodes], "is_cut": found.is_cut}
        )

    @display(description="last lines")
    def log(self, job: Job) -> SafeString | str:
        """Show what the job logged last."""
        lines = last_lines(job.pk)
        return render_to_string("jobs/log.html", {"lines": lines}) if lines else "It logged nothing."

    @display(description="operators")
    def audit_link(self, job: Job) -> SafeString:
        """Link to what operators did to the job."""
        return list_link("admin:jobs_audit_changelist", urlencode({"q": f"job {job.pk}"}), "what was done to it")


def state_label(job: Job) -> SafeString:
    """Show a job's state; one that is scheduled after a failure is retrying."""
    if job.state == State.SCHEDULED and job.attempt > 0:
        return label("retrying", STATE_LABELS[State.SCHEDULED])
    if job.is_cancelling:
        return label("cancelling", STATE_LABELS[State.CANCELLED])
    return label(job.state, STATE_LABELS[State(job.state)])
