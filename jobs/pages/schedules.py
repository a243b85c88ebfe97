"""Schedules in the admin: edited with their next times in sight, run, enabled and disabled with a reason."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.forms.models import construct_instance
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince, timeuntil
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from jobs.models import Audit, Schedule
from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import TaskFilter
from jobs.pages.presentation import label, link, list_link
from jobs.registry import UnknownTask, all_tasks
from jobs.schedules import (
    EDITABLE,
    InvalidSchedule,
    coming_runs,
    delete_schedule,
    disable_schedule,
    enable_schedule,
    reason_for_disabling,
    run_schedule_now,
    save_schedule,
    schedule_problems,
)

SHOWN_RUNS = 5
ZONE_LIST = "time-zones"
Act = Callable[..., Any]


class ZoneInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """A text field that offers the names of time zones."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Add the names to the field."""
        field = super().render(name, value, {**(attrs or {}), "list": ZONE_LIST}, renderer)
        names = format_html_join("", '<option value="{}">', ((zone,) for zone in sorted(available_timezones())))
        return format_html('{}<datalist id="{}">{}</datalist>', field, ZONE_LIST, names)


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff may set of a schedule, and why they do."""

    task = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    time_zone = forms.CharField(
        initial="UTC",
        max_length=64,
        widget=ZoneInput,
        help_text="Of the crontab. A time that its clock skips runs just after; of one that comes twice, the first.",
    )
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why you set it so. Kept in the audit log, with your name.",
    )

    class Meta:
        model = Schedule
        fields = EDITABLE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "payload" in self.fields:
            self.fields["payload"].widget.attrs["rows"] = 4
        if "task" in self.fields:
            names = [task.name for task in all_tasks()]
            if self.instance.task and self.instance.task not in names:
                names.append(self.instance.task)  # the core says that it is unknown
            self.fields["task"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean_crontab(self) -> str:
        """Write the fields with one space between two."""
        return " ".join(self.cleaned_data["crontab"].split())

    def clean_payload(self) -> Any:
        """Take an empty field for an empty payload."""
        return self.cleaned_data["payload"] or {}

    def clean(self) -> dict[str, Any]:
        """Let the core say whether the schedule can be kept; a field with an error keeps the constraint silent."""
        cleaned = super().clean() or self.cleaned_data
        schedule = construct_instance(self, self.instance)
        for field, problem in schedule_problems(schedule).items():
            if field not in self.errors:
                self.add_error(field, problem)
        return cleaned


class ScheduleAdmin(ModelAdmin):  # type: ignore[misc]
    """Jobs that are enqueued at set times."""

    form = ScheduleForm
    list_display = ["name", "state_brief", "task", "timetable", "next_run", "last_run"]
    list_filter = ["is_enabled", TaskFilter, "is_declared"]
    search_fields = ["name", "task"]
    list_per_page = 50
    actions = ["run_selected", "enable_selected", "disable_selected"]
    actions_detail = ["run_now", "enable", "disable"]
    readonly_fields = ["state_label", "coming", "last_run", "audit_list"]

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        """Leave out what a schedule that is not there yet cannot show."""
        when = ("When", {"fields": ["crontab", "every_s", "time_zone", "catch_up", "is_enabled"]})
        what = ("What", {"fields": ["payload", "tenant", "priority"]})
        why = ("Why", {"fields": ["reason"]})
        if obj is None:
            return [(None, {"fields": ["name", "task"]}), when, what, why]
        facts = (None, {"fields": ["name", "task", "state_label", "coming", "last_run"]})
        history = ("History", {"fields": ["audit_list"]})
        return [facts, when, what, *([why] if self.has_change_permission(request, obj) else []), history]

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> list[str]:
        """Keep the name: the keys of the runs, the audit log and the code refer to it."""
        return [*self.readonly_fields, "name"] if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Save through the core, and say when it runs next."""
        save_schedule(obj, actor=_actor(request), reason=form.cleaned_data["reason"])
        if obj.next_run_at:
            self.message_user(request, f"Runs next at {_local_text(obj, obj.next_run_at)}.", messages.INFO)

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        """Delete through the core."""
        delete_schedule(obj, actor=_actor(request), reason="Deleted in the admin.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Delete each through the core."""
        for schedule in queryset:
            self.delete_model(request, schedule)

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        """Keep what comes with the code: it is disabled."""
        return super().has_delete_permission(request, obj) and not (obj and obj.is_declared)

    @display(description="state", ordering="is_enabled")
    def state_brief(self, schedule: Schedule) -> SafeString:
        """Show whether it runs; if not, who stopped it, and the beginning of why."""
        return _state_text(schedule, max_chars=80)

    @display(description="state")
    def state_label(self, schedule: Schedule) -> SafeString:
        """Show whether it runs; if not, who stopped it and why."""
        return _state_text(schedule)

    @display(description="runs", ordering="crontab")
    def timetable(self, schedule: Schedule) -> SafeString | str:
        """Show the crontab with its zone, or the interval."""
        if schedule.crontab:
            return format_html("<code>{}</code> {}", schedule.crontab, schedule.time_zone)
        return f"every {schedule.every_s} s"

    @display(description="next run", ordering="next_run_at")
    def next_run(self, schedule: Schedule) -> SafeString | str:
        """Show when it runs next."""
        if schedule.next_run_at is None:
            return "-"
        return _time_text(schedule, schedule.next_run_at, f"in {timeuntil(schedule.next_run_at)}")

    @display(description="last run", ordering="last_run_at")
    def last_run(self, schedule: Schedule) -> SafeString | str:
        """Show when it ran last, and link to the job."""
        if schedule.last_run_at is None:
            return "-"
        job = f"job {schedule.last_job_id}"
        return format_html(
            "{} {}",
            _time_text(schedule, schedule.last_run_at, f"{timesince(schedule.last_run_at)} ago"),
            link("admin:jobs_job_change", schedule.last_job_id, job) if schedule.last_job_id else "",
        )

    @display(description="next times")
    def coming(self, schedule: Schedule) -> SafeString | str:
        """List the next times, in the schedule's own zone."""
        runs = coming_runs(schedule, count=SHOWN_RUNS)
        if not runs:
            return "None: it cannot be kept as it is."
        rows = format_html_join("", "<li>{}</li>", ((_time_text(schedule, at, f"in {timeuntil(at)}"),) for at in runs))
        return format_html("<ol>{}</ol>{}", rows, "" if schedule.is_enabled else "…if it were enabled.")

    @display(description="latest changes")
    def audit_list(self, schedule: Schedule) -> SafeString | str:
        """List what was done to it last, and link to the rest."""
        subject = f"schedule {schedule.name}"
        entries = Audit.objects.filter(subject=subject)[:SHOWN_RUNS]
        rows = format_html_join(
            "",
            "<li><time datetime='{}'>{}</time> {}: {}. {}</li>",
            ((e.at.isoformat(), f"{e.at:%Y-%m-%d %H:%M}", e.actor, e.action, e.reason) for e in entries),
        )
        return format_html("<ul>{}</ul>{}", rows, list_link("admin:jobs_audit_changelist", f"q={subject}", "All"))

    @action(description="Run now…", permissions=["change"])
    def run_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Ask for a reason and run the selected schedules."""
        return self._act(request, queryset, "run_selected")

    @action(description="Enable…", permissions=["change"])
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Ask for a reason and enable the selected schedules."""
        return self._act(request, queryset, "enable_selected")

    @action(description="Disable…", permissions=["change"])
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        """Ask for a reason and disable the selected schedules."""
        return self._act(request, queryset, "disable_selected")

    @action(description="Run now…", permissions=["change"], url_path="run", icon="play_arrow")
    def run_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and run this schedule."""
        return self._act_on_one(request, object_id, "run_selected")

    @action(description="Enable…", permissions=["change"], url_path="enable", icon="toggle_on")
    def enable(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and enable this schedule."""
        return self._act_on_one(request, object_id, "enable_selected")

    @action(description="Disable…", permissions=["change"], url_path="disable", icon="toggle_off")
    def disable(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and disable this schedule."""
        return self._act_on_one(request, object_id, "disable_selected")

    def _act_on_one(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        back = reverse("admin:jobs_schedule_change", args=[object_id])
        chosen = Schedule.objects.filter(pk=object_id)
        return self._act(request, chosen, name, back=back) or HttpResponseRedirect(back)

    def _act(
        self, request: HttpRequest, queryset: QuerySet[Schedule], name: str, *, back: str = ""
    ) -> HttpResponse | None:
        act, verb, done, effect = _ACTIONS[name]
        reason = given_reason(request)
        if reason is None:
            title = f"{verb} {'this schedule' if back else 'schedules'}"
            return ask_for_reason(
                request, self, list(queryset), action=name, back=back, title=title, effect=effect, button=verb
            )
        for schedule in queryset:
            try:
                answer = act(schedule, actor=_actor(request), reason=reason)
            except (InvalidSchedule, UnknownTask) as error:
                self.message_user(request, f"{schedule}: {error}", messages.ERROR)
                continue
            if answer is False:
                self.message_user(request, f"{schedule} was {done} already.", messages.WARNING)
            else:
                self.message_user(request, f"{schedule} {done}.", messages.SUCCESS)
        return None


# The function, the verb, what was done, and what it means.
_ACTIONS: dict[str, tuple[Act, str, str, str]] = {
    "run_selected": (run_schedule_now, "Run", "started", "One job is enqueued now; the timetable stays as it is."),
    "enable_selected": (
        enable_schedule,
        "Enable",
        "enabled",
        "It runs from its next time on; missed ones stay missed.",
    ),
    "disable_selected": (disable_schedule, "Disable", "disabled", "It enqueues no more; jobs on the ledger go on."),
}


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()


def _state_text(schedule: Schedule, *, max_chars: int = 2_000) -> SafeString:
    if schedule.is_enabled:
        return label("enabled", "success")
    return format_html(
        "{} {}", label("disabled", "warning"), Truncator(reason_for_disabling(schedule)).chars(max_chars)
    )


def _local_text(schedule: Schedule, at: datetime) -> str:
    try:
        return f"{at.astimezone(ZoneInfo(schedule.time_zone)):%a %Y-%m-%d %H:%M:%S %Z}"
    except (LookupError, ValueError):  # a zone that this machine does not know
        return f"{at:%a %Y-%m-%d %H:%M:%S %Z}"


def _time_text(schedule: Schedule, at: datetime, aside: str) -> SafeString:
    return format_html("<time datetime='{}'>{}</time> ({})", at.isoformat(), _local_text(schedule, at), aside)
