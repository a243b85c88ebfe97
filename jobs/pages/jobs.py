"""Jobs in the admin: the ledger, a job's page with its tree and its log, and what may be done to them."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from unfold.decorators import action

from jobs import control
from jobs.cancellation import AlreadyFinal, Cancelled, cancel_job, cancel_matching, cancel_tree
from jobs.models import FINAL_STATES, Job, State
from jobs.pages.confirmation import PriorityForm, answered, ask_for_reason, given_reason
from jobs.pages.job_fields import JobFields
from jobs.pages.lists import QueueFilter, ReadOnlyAdmin, TaskFilter
from jobs.pages.paginator import MAX_COUNT
from jobs.pages.presentation import pretty_json
from jobs.sensitive import has_sensitive, may_see_sensitive, reveal

MAX_CANCELLED_AT_ONCE = 20_000
MAX_RETRIED_AT_ONCE = 500
RETRYABLE = (State.FAILED, State.DEAD, State.CANCELLED)

CANCEL_EFFECT = (
    "What does not run yet ends at once and frees its key; what runs ends as cancelled, whatever it does. "
    "Jobs that wait for these are cancelled too."
)
RETRY_EFFECT = "Each job that failed, died or was cancelled is tried again as a new job, with all its attempts."
PRIORITY_EFFECT = "Jobs that have not ended go to their place in the line of the new priority."


class JobAdmin(JobFields, ReadOnlyAdmin):
    """The ledger, newest first."""

    list_display = ["title", "state_label", "priority", "subjects", "attempts_made", "created_at", "ran", "failure"]
    list_filter = ["state", TaskFilter, QueueFilter, "priority"]
    list_select_related = ["dead_letter"]
    search_fields = ["id"]
    search_help_text = "A job's id, a tenant, or a group like sync:7"
    actions = ["cancel_selected", "retry_selected", "prioritise_selected"]
    actions_detail = ["cancel", "cancel_its_tree", "retry", "prioritise", "reveal_data"]

    def has_control_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those act who may change jobs, although nobody edits one."""
        return request.user.has_perm("jobs.change_job")

    def has_reveal_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those see what sensitive jobs carry who may."""
        return may_see_sensitive(request.user)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Offer what can be done to the job as it is."""
        job = Job.objects.filter(pk=object_id).first()
        if job is None:
            return []
        is_final = job.state in FINAL_STATES
        useful = {
            "jobs_job_cancel": not is_final and not job.is_cancelling,
            "jobs_job_cancel_its_tree": Job.objects.filter(parent_id=object_id).exists(),
            "jobs_job_retry": job.state in RETRYABLE,
            "jobs_job_prioritise": not is_final,
            "jobs_job_reveal_data": has_sensitive(job),
        }
        return [found for found in super().get_actions_detail(request, object_id) if useful[found.action_name]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Find by id, tenant or group, each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(tenant=term) | Q(grp=term)
        return queryset.filter(found | Q(pk=int(term)) if term.isdecimal() else found), False

    # --- lists ------------------------------------------------------------------------------------
    @action(description="Cancel…", permissions=["control"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Ask for a reason and cancel the selected jobs, or all that match."""
        reason = given_reason(request)
        if reason is None:
            return self._ask(request, queryset, "cancel_selected", title="Cancel jobs", effect=CANCEL_EFFECT)
        done = cancel_matching(
            queryset,
            matching=_matching(request, queryset),
            actor=request.user.get_username(),
            reason=reason,
            limit=MAX_CANCELLED_AT_ONCE,
        )
        self._say_cancelled(request, done)
        return None

    @action(description="Retry…", permissions=["control"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Ask for a reason and retry the selected jobs."""
        reason = given_reason(request)
        if reason is None:
            return self._ask(request, queryset, "retry_selected", title="Retry jobs", effect=RETRY_EFFECT)
        wanted = queryset.filter(state__in=RETRYABLE).order_by("pk").values_list("pk", flat=True)
        chosen = list(wanted[: MAX_RETRIED_AT_ONCE + 1])
        retried = 0
        for pk in chosen[:MAX_RETRIED_AT_ONCE]:
            try:
                control.retry_job(pk, actor=request.user.get_username(), reason=reason)
                retried += 1
            except (control.NotRetryable, Job.DoesNotExist) as error:
                self.message_user(request, str(error), messages.WARNING)
        self.message_user(request, f"{retried} retried.", messages.SUCCESS if retried else messages.WARNING)
        if len(chosen) > MAX_RETRIED_AT_ONCE:
            rest = "There are more: a bulk retry of their dead letters, under Failures, paces itself."
            self.message_user(request, rest, messages.WARNING)
        return None

    @action(description="Change priority…", permissions=["control"])
    def prioritise_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Ask for a priority and a reason, and change the selected jobs, or all that match."""
        form = answered(request, PriorityForm)
        if form is None:
            return self._ask(
                request,
                queryset,
                "prioritise_selected",
                title="Change priority",
                effect=PRIORITY_EFFECT,
                form=PriorityForm,
            )
        count = control.prioritise_matching(
            queryset,
            form.cleaned_data["priority"],
            matching=_matching(request, queryset),
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
        )
        name = form.cleaned_data["priority"].label.lower()
        self.message_user(request, f"{count} made {name}.", messages.SUCCESS if count else messages.WARNING)
        return None

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Job], name: str, *, title: str, effect: str, **more: Any
    ) -> HttpResponse:
        is_all = request.POST.get("select_across") == "1"
        count = queryset[:MAX_COUNT].count() if is_all else 0
        return ask_for_reason(
            request,
            self,
            list(queryset[:20]) if is_all else list(queryset),
            action=name,
            title=title,
            effect=effect,
            button=title,
            all_matching=_count_text(count, request) if is_all else "",
            **more,
        )

    # --- one job ----------------------------------------------------------------------------------
    @action(description="Cancel…", permissions=["control"], url_path="cancel", icon="cancel")
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and cancel this job."""
        reason = given_reason(request)
        if reason is None:
            return self._ask_one(request, object_id, title="Cancel this job", effect=CANCEL_EFFECT)
        try:
            self._say_cancelled(request, cancel_job(object_id, actor=request.user.get_username(), reason=reason))
        except AlreadyFinal as error:
            self.message_user(request, f"Too late: {error}.", messages.WARNING)
        return _to_page(object_id)

    @action(description="Cancel its tree…", permissions=["control"], url_path="cancel-tree", icon="account_tree")
    def cancel_its_tree(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and cancel this job and all that came of it."""
        reason = given_reason(request)
        if reason is None:
            effect = f"This job and all jobs that came of it. {CANCEL_EFFECT}"
            return self._ask_one(request, object_id, title="Cancel the whole tree", effect=effect)
        self._say_cancelled(request, cancel_tree(object_id, actor=request.user.get_username(), reason=reason))
        return _to_page(object_id)

    @action(description="Retry…", permissions=["control"], url_path="retry", icon="replay")
    def retry(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and retry this job."""
        reason = given_reason(request)
        if reason is None:
            return self._ask_one(request, object_id, title="Retry this job", effect=RETRY_EFFECT)
        try:
            new_id = control.retry_job(object_id, actor=request.user.get_username(), reason=reason).job_id
        except control.NotRetryable as error:
            self.message_user(request, f"Not done: {error}.", messages.WARNING)
            return _to_page(object_id)
        self.message_user(request, f"Tried again as job {new_id}.", messages.SUCCESS)
        return _to_page(new_id)

    @action(description="Change priority…", permissions=["control"], url_path="prioritise", icon="low_priority")
    def prioritise(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a priority and a reason, and change this job."""
        form = answered(request, PriorityForm)
        if form is None:
            return self._ask_one(request, object_id, title="Change priority", effect=PRIORITY_EFFECT, form=PriorityForm)
        priority = form.cleaned_data["priority"]
        try:
            control.prioritise_job(
                object_id, priority, actor=request.user.get_username(), reason=form.cleaned_data["reason"]
            )
            self.message_user(request, f"It is {priority.label.lower()} now.", messages.SUCCESS)
        except control.NotLive as error:
            self.message_user(request, f"Too late: {error}.", messages.WARNING)
        return _to_page(object_id)

    @action(description="Reveal…", permissions=["reveal"], url_path="reveal", icon="lock_open")
    def reveal_data(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and show what this sensitive job carries."""
        reason = given_reason(request)
        if reason is None:
            effect = "Payload, result and errors are shown in the clear; the audit log keeps who saw them and why."
            return self._ask_one(request, object_id, title="Reveal what this job carries", effect=effect)
        revealed = reveal(object_id, user=request.user, reason=reason)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": f"Job {object_id} in the clear",
            "back": _page(object_id),
            "parts": [
                ("Payload", pretty_json(revealed.payload)),
                ("Result", pretty_json(revealed.result)),
                ("Error", revealed.error_message or "-"),
                *((f"Attempt {number}", f"{message}\n{trace}") for number, message, trace in revealed.attempts),
                ("Traceback", revealed.traceback or "-"),
            ],
        }
        return HttpResponse(
            render_to_string("jobs/revealed.html", context, request), headers={"Cache-Control": "no-store"}
        )

    def _ask_one(self, request: HttpRequest, object_id: int, *, title: str, effect: str, **more: Any) -> HttpResponse:
        chosen = list(Job.objects.filter(pk=object_id))
        return ask_for_reason(
            request, self, chosen, action="", title=title, effect=effect, button=title, back=_page(object_id), **more
        )

    def _say_cancelled(self, request: HttpRequest, done: Cancelled) -> None:
        self.message_user(request, cancelled_text(done), messages.SUCCESS if done.total else messages.WARNING)


def cancelled_text(done: Cancelled) -> str:
    """Say what a cancellation did."""
    if not done.total:
        return "Nothing was left to cancel."
    running = f", {done.marked} more will end as cancelled" if done.marked else ""
    return f"{done.ended} cancelled{running}.{' There are more: do it again.' if done.is_more_left else ''}"


def _page(job_id: int) -> str:
    return reverse("admin:jobs_job_change", args=[job_id])


def _to_page(job_id: int) -> HttpResponse:
    return HttpResponseRedirect(_page(job_id))


def _filters(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.GET.items() if name not in ("p", "o") and value}


def _matching(request: HttpRequest, queryset: QuerySet[Job]) -> dict[str, Any]:
    """Say which jobs it is, for the audit log: the list's filters, or the ids that were selected."""
    if request.POST.get("select_across") == "1":
        return _filters(request)
    return {"ids": list(queryset.values_list("pk", flat=True))}


def _count_text(count: int, request: HttpRequest) -> str:
    number = f"{MAX_COUNT:,} or more" if count >= MAX_COUNT else f"{count:,}"
    filters = ", ".join(f"{name.removesuffix('__exact')} {value}" for name, value in _filters(request).items())
    return f"All jobs that match {filters}: {number}." if filters else f"All jobs of the ledger: {number}."
