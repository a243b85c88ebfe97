"""The dead-letter queue in the admin, with what to do about its entries."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs.dead_letters import AlreadyResolved, discard_dead_letter, retry_dead_letter
from jobs.models import DeadLetter
from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import ReadOnlyAdmin, TaskFilter
from jobs.pages.presentation import attempts_text, code_block, label, link, subject_links, tenant_link
from jobs.sensitive import shown_text

RESOLUTION_LABELS: dict[str, str] = {
    DeadLetter.Resolution.OPEN: "danger",
    DeadLetter.Resolution.RETRIED: "success",
    DeadLetter.Resolution.DISCARDED: "warning",
    DeadLetter.Resolution.SUPERSEDED: "info",
}


class ResolutionFilter(admin.SimpleListFilter):
    """Filters by resolution; the dead letters that nobody has resolved come first."""

    title = "resolution"
    parameter_name = "resolution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer open, and each way of being resolved."""
        return [(resolution.value or "open", resolution.value or "open") for resolution in DeadLetter.Resolution]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those with the chosen resolution."""
        value = self.value()
        return queryset if value is None else queryset.filter(resolution="" if value == "open" else value)


class DeadLetterAdmin(ReadOnlyAdmin):
    """The dead-letter queue, with what to do about it."""

    list_display = ["title", "resolution_label", "subjects", "reason", "error_code", "message", "created_at"]
    list_filter = [ResolutionFilter, TaskFilter, "reason", "error_code"]
    list_select_related = ["job"]
    search_fields = ["id"]
    search_help_text = "A job's id, a tenant, or an error code"
    actions = ["retry_selected", "discard_selected"]
    actions_detail = ["retry", "discard"]
    fieldsets = [
        (None, {"fields": ["task", "resolution_label", "reason", "job_link", "subjects", "tenant_page"]}),
        ("Error", {"fields": ["error_code", "whole_message", "attempt_list", "traceback_text"]}),
        ("Times", {"fields": ["enqueued_at", "last_attempt_at", "created_at"]}),
        ("Resolution", {"fields": ["resolved_at", "resolved_by", "resolution_note", "retry_link"]}),
    ]
    readonly_fields = [
        "resolution_label",
        "job_link",
        "subjects",
        "tenant_page",
        "whole_message",
        "attempt_list",
        "traceback_text",
        "retry_link",
    ]

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those resolve who may change dead letters, although nobody edits one."""
        return request.user.has_perm("jobs.change_deadletter")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], search_term: str
    ) -> tuple[QuerySet[DeadLetter], bool]:
        """Find by job, tenant or error code."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(tenant=term) | Q(error_code=term)
        return queryset.filter(found | Q(job=int(term)) if term.isdecimal() else found), False

    @display(description="dead letter", ordering="id")
    def title(self, letter: DeadLetter) -> str:
        """Name it by its task and job."""
        return f"{letter.task} {letter.job_id}"

    @display(description="resolution")
    def resolution_label(self, letter: DeadLetter) -> SafeString:
        """Show whether it is resolved, and how."""
        return label(letter.resolution or "open", RESOLUTION_LABELS[letter.resolution])

    @display(description="message")
    def message(self, letter: DeadLetter) -> str:
        """Show the beginning of the error's message."""
        return shown_text(letter.error_message, task_name=letter.task, payload=letter.job.payload)[:120]

    @display(description="error message")
    def whole_message(self, letter: DeadLetter) -> str:
        """Show the error's message."""
        return shown_text(letter.error_message, task_name=letter.task, payload=letter.job.payload) or "-"

    @display(description="job")
    def job_link(self, letter: DeadLetter) -> SafeString:
        """Link to the job."""
        return link("admin:jobs_job_change", letter.job_id, f"job {letter.job_id}")

    @display(description="about")
    def subjects(self, letter: DeadLetter) -> SafeString | str:
        """Link to what the job's payload names."""
        return subject_links(letter.job.payload)

    @display(description="tenant")
    def tenant_page(self, letter: DeadLetter) -> SafeString | str:
        """Link to the tenant."""
        return tenant_link(letter.tenant)

    @display(description="attempts")
    def attempt_list(self, letter: DeadLetter) -> SafeString | str:
        """List the attempts."""
        return attempts_text(letter.job)

    @display(description="traceback")
    def traceback_text(self, letter: DeadLetter) -> SafeString | str:
        """Show the traceback, folded."""
        if not letter.traceback:
            return "-"
        text = shown_text(letter.traceback, task_name=letter.task, payload=letter.job.payload)
        return format_html("<details><summary>Show</summary>{}</details>", code_block(text))

    @display(description="retried as")
    def retry_link(self, letter: DeadLetter) -> SafeString | str:
        """Link to the jobs that try it again."""
        retries = [(link("admin:jobs_job_change", job.pk, f"job {job.pk}"),) for job in letter.job.retries.all()]
        return format_html_join(", ", "{}", retries) if retries else "-"

    @action(description="Retry selected…", permissions=["resolve"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Ask for a reason and retry the selected dead letters."""
        return self._resolve(request, queryset, action_name="retry_selected", is_retry=True)

    @action(description="Discard selected…", permissions=["resolve"])
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Ask for a reason and discard the selected dead letters."""
        return self._resolve(request, queryset, action_name="discard_selected", is_retry=False)

    @action(description="Retry…", permissions=["resolve"], url_path="retry", icon="replay")
    def retry(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and retry this dead letter."""
        return self._resolve_one(request, object_id, is_retry=True)

    @action(description="Discard…", permissions=["resolve"], url_path="discard", icon="delete")
    def discard(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and discard this dead letter."""
        return self._resolve_one(request, object_id, is_retry=False)

    def _resolve_one(self, request: HttpRequest, object_id: int, *, is_retry: bool) -> HttpResponse:
        chosen = DeadLetter.objects.filter(pk=object_id)
        back = reverse("admin:jobs_deadletter_change", args=[object_id])
        return self._resolve(
            request, chosen, action_name="resolve", is_retry=is_retry, back=back
        ) or HttpResponseRedirect(back)

    def _resolve(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], *, action_name: str, is_retry: bool, back: str = ""
    ) -> HttpResponse | None:
        reason = given_reason(request)
        if reason is None:
            return ask_for_reason(
                request,
                self,
                list(queryset),
                action=action_name,
                back=back,
                title="Retry dead letters" if is_retry else "Discard dead letters",
                effect="Each job is tried again as a new job, with all its attempts."
                if is_retry
                else "The jobs are closed for good; they and their attempts stay on the ledger.",
                button="Retry" if is_retry else "Discard",
            )
        resolve = retry_dead_letter if is_retry else discard_dead_letter
        resolved = 0
        for pk in queryset.values_list("pk", flat=True):
            try:
                resolve(pk, actor=request.user.get_username(), reason=reason)
                resolved += 1
            except AlreadyResolved as error:
                self.message_user(request, f"Dead letter {pk} was already {error}.", messages.WARNING)
        if resolved:
            verb = "retried" if is_retry else "discarded"
            self.message_user(request, f"{resolved} {verb}.", messages.SUCCESS)
        return None
