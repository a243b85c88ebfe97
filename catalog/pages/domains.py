"""Domains in the admin: how each site bears our requests, its story, and what staff may do about it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from catalog.politeness import staff
from catalog.politeness.domains import base_delay_of, circuit_of
from catalog.politeness.gates import gate_keys
from catalog.politeness.models import Domain
from jobs.pages.confirmation import Form, ReasonForm, answered, ask
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import NBSP, label, link, list_link, seconds_text

SHOWN_EVENTS = 100
# A breaker that is open lets nothing through: the icon says so too, and neither is left to the colour.
STATES = {
    Domain.Breaker.CLOSED: ("check_circle", "closed", "success"),
    Domain.Breaker.OPEN: ("block", "open", "danger"),
    Domain.Breaker.HALF_OPEN: ("science", "half open", "warning"),
}


class OpenForm(ReasonForm):
    """For how long, and why."""

    minutes = forms.FloatField(
        min_value=1,
        max_value=7 * 24 * 60,
        initial=60,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="Then one request is let through, to see whether the site answers.",
    )
    field_order = ["minutes", "reason"]


class SlowForm(ReasonForm):
    """How long between two requests, and why."""

    delay_s = forms.FloatField(
        label="Seconds between two requests",
        min_value=0,
        max_value=24 * 3600,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="0: as the settings say, and as was learned.",
    )
    field_order = ["delay_s", "reason"]


@admin.register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    """Domains: the state of their breakers, their paces, and their stories."""

    list_display = ["host", "breaker_label", "pace", "share", "blocks_count", "last_reason", "updated_at"]
    list_filter = ["breaker"]
    search_fields = ["host"]
    ordering = ["-updated_at"]
    actions_detail = ["open_breaker", "close_breaker", "slow_down"]
    fieldsets = [
        (None, {"fields": ["host", "breaker_label", "breaker_text", "last_reason"]}),
        ("Pace", {"fields": ["pace", "staff_pace", "latency", "crawl_delay"]}),
        ("Requests", {"fields": ["requests_count", "share", "blocks_count", "failures_in_a_row", "pages"]}),
        ("Story", {"fields": ["story"]}),
    ]
    readonly_fields = [
        "breaker_label",
        "breaker_text",
        "last_reason",
        "pace",
        "staff_pace",
        "latency",
        "crawl_delay",
        "requests_count",
        "share",
        "blocks_count",
        "pages",
        "story",
    ]

    def has_control_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those act who may change domains, although nobody edits one."""
        return request.user.has_perm("catalog.change_domain")

    @display(description="breaker", ordering="breaker")
    def breaker_label(self, domain: Domain) -> SafeString:
        """Show the state by a word and a sign."""
        icon, text, variant = STATES[Domain.Breaker(domain.breaker)]
        if circuit_of(domain).is_refusing:
            icon, text = "cancel", "refuses for good"
        sign = format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', icon)
        return format_html('<span class="inline-flex items-center gap-1">{} {}</span>', sign, label(text, variant))

    @display(description="what that means")
    def breaker_text(self, domain: Domain) -> SafeString | str:
        """Say what the state means, and until when."""
        is_ahead = domain.retry_at is not None and domain.retry_at > timezone.now()
        until = _moment(domain.retry_at) if is_ahead else ""
        circuit = circuit_of(domain)
        if domain.breaker == Domain.Breaker.HALF_OPEN:
            return format_html("One job asks, to see whether the site answers; it has time until {}.", until or "now")
        if domain.breaker == Domain.Breaker.OPEN:
            if circuit.is_refusing:
                return "It failed one probe after the other: jobs that come fail at once, but for one probe an hour."
            if not is_ahead:
                return "The next job asks, to see whether the site answers."
            return format_html("Nothing is asked until {}; opened {} times in a row.", until, domain.openings)
        return format_html("It asked for rest until {}.", until) if is_ahead else "Jobs pass at the domain's pace."

    @display(description="last trouble")
    def last_reason(self, domain: Domain) -> SafeString | str:
        """Show code and message of the last trouble."""
        if not domain.last_code:
            return "-"
        return format_html(
            '<span class="whitespace-normal break-words"><code>{}</code> {}</span>',
            domain.last_code,
            domain.last_message[:200],
        )

    @display(description="pace")
    def pace(self, domain: Domain) -> str:
        """Show how long there is between two requests, and why."""
        if domain.delay_s:
            return f"{_every(domain.delay_s)}, learned"
        return _every(base_delay_of(domain.host))

    @display(description="staff's pace")
    def staff_pace(self, domain: Domain) -> str:
        """Show the pace that goes before it."""
        delay_s = staff.staff_delay_of(domain.host)
        return _every(delay_s) if delay_s else "-"

    @display(description="latency")
    def latency(self, domain: Domain) -> str:
        """Show how long an answer takes."""
        return seconds_text(domain.latency_s) if domain.latency_s else "-"

    @display(description="crawl-delay of robots.txt")
    def crawl_delay(self, domain: Domain) -> str:
        """Show what robots.txt asks for."""
        return f"{domain.crawl_delay_s:g} s" if domain.crawl_delay_s else "-"

    @display(description="requests", ordering="requests")
    def requests_count(self, domain: Domain) -> str:
        """Show how often it was asked."""
        return f"{domain.requests:,}"

    @display(description="failed")
    def share(self, domain: Domain) -> str:
        """Show the share of requests that failed or were refused, in all and lately."""
        if not domain.requests:
            return "-"
        troubles = domain.failures + domain.blocks
        in_all = f"{troubles / domain.requests:.1%}{NBSP}of{NBSP}{domain.requests:,}"
        if domain.recent_requests < 1:
            return in_all
        return f"{in_all}; {domain.recent_troubles / domain.recent_requests:.0%}{NBSP}lately"

    @display(description="refused", ordering="blocks")
    def blocks_count(self, domain: Domain) -> str:
        """Show how often it refused us, or asked us to slow down."""
        return f"{domain.blocks:,}"

    @display(description="see also")
    def pages(self, domain: Domain) -> SafeString:
        """Link to the gates that its jobs wait behind."""
        gates = ((link("admin:jobs_gate_change", quote(key), key),) for key in gate_keys(domain.host))
        jobs = list_link("admin:jobs_job_changelist", "state__exact=gated", "jobs that wait behind gates")
        return format_html("<span>{} · {}</span>", format_html_join(" · ", "{}", gates), jobs)

    @display(description="newest first")
    def story(self, domain: Domain) -> SafeString | str:
        """Tell what happened, the newest first."""
        lines = [
            (
                _moment(event.at),
                event.kind.replace("_", " "),
                event.message,
                format_html("<code>{}</code>", event.code) if event.code else "",
            )
            for event in domain.events.all()[:SHOWN_EVENTS]
        ]
        if not lines:
            return "Nothing has happened."
        return format_html(
            '<ol class="souk-attempts">{}</ol>',
            format_html_join("", "<li>{} <strong>{}</strong> {} {}</li>", lines),
        )

    @action(description="Open the breaker…", permissions=["control"], url_path="open-breaker", icon="block")
    def open_breaker(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for how long and why, and let nothing be asked of the domain."""
        effect = "Nothing is asked of this site; jobs that would, wait, and spend no attempt."

        def act(host: str, answers: dict[str, Any], actor: str) -> None:
            staff.open_breaker(host, for_s=answers["minutes"] * 60, actor=actor, reason=answers["reason"])

        return self._act(request, object_id, OpenForm, "Open the breaker", effect, act)

    @action(description="Close the breaker, try now…", permissions=["control"], url_path="close", icon="play_arrow")
    def close_breaker(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask why, and ask the domain again now."""
        effect = "Jobs pass again at once, at the domain's pace; the breaker forgets what it has counted."

        def act(host: str, answers: dict[str, Any], actor: str) -> None:
            staff.close_breaker(host, actor=actor, reason=answers["reason"])

        return self._act(request, object_id, ReasonForm, "Close the breaker", effect, act)

    @action(description="Slow down…", permissions=["control"], url_path="slow-down", icon="speed")
    def slow_down(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a delay and why, and put it before the learned one."""
        effect = "This pace goes before the settings' and the learned one, until it is taken away."

        def act(host: str, answers: dict[str, Any], actor: str) -> None:
            staff.slow_down(host, delay_s=answers["delay_s"] or None, actor=actor, reason=answers["reason"])

        return self._act(request, object_id, SlowForm, "Slow down", effect, act)

    def _act(
        self,
        request: HttpRequest,
        object_id: int,
        form: type[Form],
        title: str,
        effect: str,
        act: Callable[[str, dict[str, Any], str], None],
    ) -> HttpResponse:
        """Ask what the form asks, then act."""
        domain = Domain.objects.get(pk=object_id)
        back = reverse("admin:catalog_domain_change", args=[domain.pk])
        filled = answered(request, form)
        if filled is None:
            return ask(
                request,
                self.admin_site,
                form=form,
                title=f"{title}: {domain.host}",
                effect=effect,
                button=title,
                back=back,
                extra={"opts": self.model._meta},
            )
        act(domain.host, filled.cleaned_data, request.user.get_username())
        self.message_user(request, f"{title}: done for {domain.host}.", messages.SUCCESS)
        return HttpResponseRedirect(back)


def _every(delay_s: float) -> str:
    return f"one{NBSP}every{NBSP}{delay_s:.3g}{NBSP}s"


def _moment(moment: Any) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moment.strftime("%Y-%m-%d %H:%M:%S"))
