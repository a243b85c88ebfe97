"""Gates and tenants in the admin."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from jobs import control
from jobs.control import Held
from jobs.models import Gate, Tenant
from jobs.pages.confirmation import NewPaceForm, PaceForm, ReasonForm, answered, ask, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, list_link, tenant_link

TENANT_FIELDS = ("weight", "max_in_flight", "max_waiting", "submissions_per_min")


class IsShutFilter(admin.SimpleListFilter):
    """Filters gates that are paused, and those that staff have paced."""

    title = "state"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer paused and paced by staff."""
        return [("paused", "paused"), ("overridden", "paced by staff")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep those that are so."""
        match self.value():
            case "paused":
                return queryset.filter(is_paused=True)
            case "overridden":
                return queryset.filter(staff_rate_per_s__isnull=False)
            case _:
                return queryset


class GateAdmin(ReadOnlyAdmin):
    """Paces and pauses; staff's pace goes before the declared one."""

    list_display = ["key", "state_label", "pace", "staff_pace", "max_in_flight"]
    list_filter = [IsShutFilter]
    search_fields = ["key"]
    ordering = ["key"]
    actions_list = ["set_pace"]
    actions_detail = ["override", "remove_override", "pause", "resume"]
    fieldsets = [
        (None, {"fields": ["key", "state_label", "pace", "staff_pace", "max_in_flight", "waiting"]}),
        ("Now", {"fields": ["tokens", "refilled_at"]}),
    ]
    readonly_fields = ["state_label", "pace", "staff_pace", "waiting"]

    def has_control_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those act who may change gates, although nobody edits one."""
        return request.user.has_perm("jobs.change_gate")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what can be done to the gate as it is."""
        gate = Gate.objects.filter(pk=unquote(object_id)).first()
        if gate is None:
            return []
        useful = {
            "jobs_gate_override": True,
            "jobs_gate_remove_override": gate.staff_rate_per_s is not None,
            "jobs_gate_pause": not gate.is_paused,
            "jobs_gate_resume": gate.is_paused,
        }
        return [found for found in super().get_actions_detail(request, object_id) if useful[found.action_name]]

    @display(description="state")
    def state_label(self, gate: Gate) -> SafeString:
        """Show whether jobs pass."""
        if gate.is_paused:
            return label("paused", "warning")
        if gate.closed_until is not None and gate.closed_until > timezone.now():
            return label(f"closed until {gate.closed_until:%H:%M:%S}", "danger")
        return label("open", "success")

    @display(description="declared pace", ordering="rate_per_s")
    def pace(self, gate: Gate) -> str:
        """Show the pace that the code declares."""
        return _pace_text(gate.rate_per_s, gate.burst)

    @display(description="staff's pace", ordering="staff_rate_per_s")
    def staff_pace(self, gate: Gate) -> str:
        """Show the pace that goes before it."""
        return _pace_text(gate.staff_rate_per_s, gate.staff_burst)

    @display(description="see also")
    def waiting(self, gate: Gate) -> SafeString:
        """Link to the jobs that wait behind gates."""
        return list_link("admin:jobs_job_changelist", "state__exact=gated", "jobs that wait behind gates")

    @action(description="Set a pace…", permissions=["control"], url_path="set-pace", icon="speed")
    def set_pace(self, request: HttpRequest) -> HttpResponse:
        """Ask for a key, a pace and a reason, and put that pace before any declared one."""
        form = answered(request, NewPaceForm)
        back = reverse("admin:jobs_gate_changelist")
        if form is None:
            return self._ask(request, NewPaceForm, "Set a pace", "Jobs with the key pass at this pace.", back)
        return self._override(request, form.cleaned_data["key"], form)

    @action(description="Override pace…", permissions=["control"], url_path="override", icon="speed")
    def override(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a pace and a reason, and put it before the declared one."""
        key = unquote(object_id)
        form = answered(request, PaceForm)
        if form is None:
            gate = Gate.objects.filter(pk=key).first() or Gate()
            initial = {"rate_per_s": gate.staff_rate_per_s or gate.rate_per_s, "burst": gate.staff_burst or gate.burst}
            effect = "This pace goes before the one that the code declares, until it is removed."
            return self._ask(request, PaceForm, f"Override the pace of {key}", effect, _page(key), initial)
        return self._override(request, key, form)

    @action(description="Remove override…", permissions=["control"], url_path="remove-override", icon="undo")
    def remove_override(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason and go back to the declared pace."""
        key = unquote(object_id)
        reason = given_reason(request)
        if reason is None:
            effect = "The pace that the code declares holds again."
            return self._ask(request, ReasonForm, f"Remove the override of {key}", effect, _page(key))
        control.remove_pace_override(key, actor=request.user.get_username(), reason=reason)
        self.message_user(request, "The declared pace holds again.", messages.SUCCESS)
        return HttpResponseRedirect(_page(key))

    @action(description="Pause…", permissions=["control"], url_path="pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason and let nothing pass."""
        key = unquote(object_id)
        reason = given_reason(request)
        if reason is None:
            effect = "No job with the key starts any more; what is enqueued waits."
            return self._ask(request, ReasonForm, f"Pause {key}", effect, _page(key))
        control.pause(Held.GATE, key, actor=request.user.get_username(), reason=reason)
        return HttpResponseRedirect(_page(key))

    @action(description="Resume…", permissions=["control"], url_path="resume", icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason and let jobs pass again."""
        key = unquote(object_id)
        reason = given_reason(request)
        if reason is None:
            effect = "Jobs with the key pass again, at its pace."
            return self._ask(request, ReasonForm, f"Resume {key}", effect, _page(key))
        control.resume(Held.GATE, key, actor=request.user.get_username(), reason=reason)
        return HttpResponseRedirect(_page(key))

    def _override(self, request: HttpRequest, key: str, form: PaceForm) -> HttpResponse:
        rate_per_s, burst = form.cleaned_data["rate_per_s"], form.cleaned_data["burst"]
        control.override_pace(
            key,
            rate_per_s=rate_per_s,
            burst=burst,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
        )
        self.message_user(request, f"{key}: {_pace_text(rate_per_s, burst)}.", messages.SUCCESS)
        return HttpResponseRedirect(_page(key))

    def _ask(
        self,
        request: HttpRequest,
        form: type[ReasonForm],
        title: str,
        effect: str,
        back: str,
        initial: dict[str, Any] | None = None,
    ) -> HttpResponse:
        verb = title.split(maxsplit=1)[0]
        return ask(
            request,
            self.admin_site,
            form=form,
            title=title,
            effect=effect,
            button=verb,
            back=back,
            initial=initial,
            extra={"opts": self.model._meta},
        )


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A tenant's share and limits, and why they change."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit log, with your name.",
    )

    class Meta:
        model = Tenant
        fields = ["name", *TENANT_FIELDS]


class TenantAdmin(ModelAdmin):  # type: ignore[misc]
    """The tenants that have a share or limits of their own; the others have weight 1 and the defaults."""

    form = TenantForm
    list_display = ["name", "page", "state_label", *TENANT_FIELDS]
    search_fields = ["name"]
    ordering = ["name"]
    list_per_page = 50
    actions_detail = ["pause", "resume"]
    readonly_fields = ["state_label", "page"]

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """Show what is known of a tenant that is there, and ask why where something may be changed."""
        facts = ["name"] if obj is None else ["name", "page", "state_label"]
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        why = [("Why", {"fields": ["reason"]})] if may_write else []
        return [(None, {"fields": facts}), ("Share and limits", {"fields": list(TENANT_FIELDS)}), *why]

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> list[str]:
        """Keep the name of a tenant that is there."""
        return [*self.readonly_fields, "name"] if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Forbid deleting: the audit log refers to it."""
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Save through the core."""
        changes = {name: form.cleaned_data[name] for name in TENANT_FIELDS}
        actor, reason = request.user.get_username(), form.cleaned_data["reason"]
        control.change_tenant(obj.name, changes=changes, actor=actor, reason=reason)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer to pause, or to resume."""
        useless = "pause" if unquote(object_id) in control.paused_names(Held.TENANT) else "resume"
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if each.action_name != f"jobs_tenant_{useless}"]

    @display(description="tenant")
    def page(self, tenant: Tenant) -> SafeString | str:
        """Link to the tenant's own page, and to its jobs."""
        jobs = list_link("admin:jobs_job_changelist", urlencode({"q": tenant.name}), "jobs")
        return format_html("<span>{} ({})</span>", tenant_link(tenant.name), jobs)

    @display(description="state")
    def state_label(self, tenant: Tenant) -> SafeString:
        """Show whether its jobs may start."""
        is_paused = Gate.objects.filter(key=control.gate_key(Held.TENANT, tenant.name), is_paused=True).exists()
        return label("paused", "warning") if is_paused else label("served", "success")

    @action(description="Pause…", permissions=["change"], url_path="pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason and let no job of the tenant start."""
        effect = "No job of this tenant starts any more; what runs ends, what is enqueued waits."
        return self._hold(request, unquote(object_id), is_pausing=True, effect=effect)

    @action(description="Resume…", permissions=["change"], url_path="resume", icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason and let the tenant's jobs start again."""
        return self._hold(request, unquote(object_id), is_pausing=False, effect="The tenant's jobs start again.")

    def _hold(self, request: HttpRequest, name: str, *, is_pausing: bool, effect: str) -> HttpResponse:
        back = reverse("admin:jobs_tenant_change", args=[quote(name)])
        reason = given_reason(request)
        verb = "Pause" if is_pausing else "Resume"
        if reason is None:
            return ask(
                request,
                self.admin_site,
                form=ReasonForm,
                title=f"{verb} tenant {name}",
                effect=effect,
                button=verb,
                back=back,
                extra={"opts": self.model._meta},
            )
        act = control.pause if is_pausing else control.resume
        act(Held.TENANT, name, actor=request.user.get_username(), reason=reason)
        return HttpResponseRedirect(back)


def _pace_text(rate_per_s: float | None, burst: float | None) -> str:
    if rate_per_s is None:
        return "-"
    often = f"{rate_per_s:g} a second" if rate_per_s >= 1 else f"one every {1 / rate_per_s:g} s"
    return f"{often}, burst {burst:g}" if burst else often


def _page(key: str) -> str:
    return reverse("admin:jobs_gate_change", args=[quote(key)])
