"""Pages of the admin that are about no one model: queues, tasks, failures. They look, and link to what asks why."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from jobs import bulk, control
from jobs.control import Held
from jobs.failures import alert_for, failure_groups, open_letter_count
from jobs.pages.confirmation import BulkRetryForm, ReasonForm, SwitchForm, answered, ask
from jobs.pages.presentation import seconds_text
from jobs.registry import UnknownTask
from jobs.selection import LetterFilter
from jobs.stats import MAX_COUNT, queue_stats

EFFECTS = {
    (Held.QUEUE, True): "No job of this queue starts any more; what runs ends, what is enqueued waits.",
    (Held.QUEUE, False): "The queue's jobs start again.",
    (Held.TASK, True): "No job of this task starts any more; what runs ends, what is enqueued waits.",
    (Held.TASK, False): "The task's jobs start again; if it was switched off, it is on.",
}
DEPTHS = ("pending", "running", "scheduled", "gated", "waiting")
View = Callable[..., HttpResponseBase]


def _may(permission: str, view: View) -> View:
    """Let those in who have the permission; the admin asks the others to log in."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admin.site.admin_view(require_http_methods(["GET", "POST"])(guarded))


def queues_page(request: HttpRequest) -> HttpResponse:
    """List the queues: depth by state, the oldest due job, workers, and whether they are paused."""
    stats = queue_stats()
    queues = [
        queue
        | {
            "depths": [(state, queue[state]) for state in DEPTHS],
            "due_age": "–" if queue["oldest_pending_s"] is None else seconds_text(queue["oldest_pending_s"]),
        }
        for queue in stats["queues"]
    ]
    return _page(
        request,
        "jobs/queues.html",
        "Queues",
        queues=queues,
        count_limit=MAX_COUNT,
        may_act=request.user.has_perm("jobs.change_job"),
    )


def tasks_page(request: HttpRequest) -> HttpResponse:
    """List the tasks: their mode, whether they are paused, and what they did in the last minutes."""
    rates = {rate["task"]: rate for rate in queue_stats()["tasks"]}
    tasks = [task | {"rate": rates.get(task["name"])} for task in control.tasks_with_switches()]
    return _page(request, "jobs/tasks.html", "Tasks", tasks=tasks, may_act=request.user.has_perm("jobs.change_job"))


def failures_page(request: HttpRequest) -> HttpResponse:
    """Group the open dead letters by task and error."""
    count = open_letter_count()
    return _page(
        request,
        "jobs/failures.html",
        "Failures",
        groups=failure_groups(),
        count=count,
        count_limit=MAX_COUNT,
        alert=alert_for(count),
        may_act=request.user.has_perm("jobs.change_deadletter"),
    )


def hold(request: HttpRequest, kind: str, name: str, verb: str) -> HttpResponse:
    """Ask for a reason and pause, or resume, a queue or a task."""
    held, is_pausing = Held(kind), verb == "pause"
    back = reverse(f"admin-{kind}s")
    form = answered(request, ReasonForm)
    try:
        control.check_name(held, name)
    except (control.UnknownQueue, UnknownTask) as error:
        raise Http404(str(error)) from error
    if form is None:
        return ask(
            request,
            admin.site,
            form=ReasonForm,
            title=f"{verb.title()} {kind} {name}",
            effect=EFFECTS[held, is_pausing],
            button=verb.title(),
            back=back,
        )
    act = control.pause if is_pausing else control.resume
    act(held, name, actor=request.user.get_username(), reason=form.cleaned_data["reason"])
    messages.success(request, f"{name} is {'paused' if is_pausing else 'served again'}.")
    return HttpResponseRedirect(back)


def switch(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for a mode and a reason, and switch a task."""
    form = answered(request, SwitchForm)
    mode = next((task["mode"] for task in control.tasks_with_switches() if task["name"] == name), None)
    if mode is None:
        raise Http404(f"no task is named {name!r}")
    if form is None:
        return ask(
            request,
            admin.site,
            form=SwitchForm,
            title=f"Switch task {name}",
            effect="Off: what is enqueued is accepted and waits. Inline: it runs at once, where it is enqueued.",
            button="Switch",
            back=reverse("admin-tasks"),
            initial={"mode": mode},
        )
    chosen = form.cleaned_data["mode"]
    control.switch_task(name, chosen, actor=request.user.get_username(), reason=form.cleaned_data["reason"])
    messages.success(request, f"{name} is {chosen}.")
    return HttpResponseRedirect(reverse("admin-tasks"))


def retry_failures(request: HttpRequest) -> HttpResponse:
    """Ask how fast and why, and begin to retry all open dead letters of the task and code that the query names."""
    wanted = LetterFilter(task=request.GET.get("task", ""), error_code=request.GET.get("error_code", ""))
    form = answered(request, BulkRetryForm)
    back = reverse("admin-failures")
    if form is None:
        which = " of ".join(part for part in (wanted.error_code, wanted.task) if part)
        return ask(
            request,
            admin.site,
            form=BulkRetryForm,
            title=f"Retry dead letters: {which or 'all'}",
            effect="Each is tried again as a new job, in the background: a few first, the others when those do well.",
            button="Retry",
            back=back,
        )
    try:
        started = bulk.start_bulk_retry(
            wanted,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            rate_per_s=form.cleaned_data["rate_per_s"],
            canary=form.cleaned_data["canary"],
        )
    except bulk.NothingToRetry as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(back)
    messages.success(request, f"{started.total:,} dead letters are being retried.")
    return HttpResponseRedirect(reverse("admin:jobs_bulkretry_change", args=[started.pk]))


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


# Before the admin's own addresses, under the same `admin/`.
admin_pages: list[URLPattern] = [
    path("jobs/queues/", _may("jobs.view_job", queues_page), name="admin-queues"),
    path("jobs/tasks/", _may("jobs.view_job", tasks_page), name="admin-tasks"),
    path("jobs/failures/", _may("jobs.view_deadletter", failures_page), name="admin-failures"),
    path("jobs/failures/retry/", _may("jobs.change_deadletter", retry_failures), name="admin-retry-failures"),
    path("jobs/tasks/<str:name>/switch/", _may("jobs.change_job", switch), name="admin-switch-task"),
    *(
        path(
            f"jobs/{kind}s/<str:name>/{verb}/",
            _may("jobs.change_job", hold),
            {"kind": str(kind), "verb": verb},
            name=f"admin-{verb}-{kind}",
        )
        for kind in (Held.QUEUE, Held.TASK)
        for verb in ("pause", "resume")
    ),
]
