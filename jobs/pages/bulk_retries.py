"""Bulk retries of dead letters in the admin."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs import bulk
from jobs.models import BulkRetry
from jobs.pages.confirmation import ReasonForm, ask, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, pretty_json, progress_bar

BULK_LABELS = {
    BulkRetry.State.CANARY: "info",
    BulkRetry.State.RUNNING: "primary",
    BulkRetry.State.HELD: "danger",
    BulkRetry.State.FINISHED: "success",
    BulkRetry.State.STOPPED: "warning",
}
STATE_TEXTS = {
    BulkRetry.State.CANARY: "The first ones are tried; the others wait for how they end.",
    BulkRetry.State.RUNNING: "",
    BulkRetry.State.HELD: "Some of the first ones failed again. Look at why, then let it go on or stop it.",
    BulkRetry.State.FINISHED: "",
    BulkRetry.State.STOPPED: "Somebody ended it early.",
}


class BulkRetryAdmin(ReadOnlyAdmin):
    """Bulk retries of dead letters, with how far they are."""

    list_display = ["title", "state_label", "which", "progress", "rate_per_s", "actor", "created_at"]
    list_filter = ["state"]
    actions_detail = ["go_on", "stop"]
    fieldsets = [
        (None, {"fields": ["state_text", "progress", "filter_json", "rate_per_s", "canary"]}),
        ("Why", {"fields": ["actor", "reason"]}),
        ("Jobs", {"fields": ["first_jobs"]}),
        ("Times", {"fields": ["created_at", "moved_at", "finished_at"]}),
    ]
    readonly_fields = ["state_text", "progress", "filter_json", "first_jobs"]

    def has_control_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those act who may change dead letters."""
        return request.user.has_perm("jobs.change_deadletter")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Offer to let a held one go on, and to stop one that is not over."""
        retry = BulkRetry.objects.filter(pk=object_id).first()
        useful = {
            "jobs_bulkretry_go_on": retry is not None and retry.state == BulkRetry.State.HELD,
            "jobs_bulkretry_stop": retry is not None and retry.finished_at is None,
        }
        return [found for found in super().get_actions_detail(request, object_id) if useful[found.action_name]]

    @display(description="bulk retry", ordering="id")
    def title(self, retry: BulkRetry) -> str:
        """Name it by its number."""
        return str(retry)

    @display(description="state", ordering="state")
    def state_label(self, retry: BulkRetry) -> SafeString:
        """Show the state."""
        return label(retry.state, BULK_LABELS[BulkRetry.State(retry.state)])

    @display(description="state")
    def state_text(self, retry: BulkRetry) -> SafeString:
        """Show the state, and what it means."""
        return format_html("<span>{} {}</span>", self.state_label(retry), STATE_TEXTS[BulkRetry.State(retry.state)])

    @display(description="which")
    def which(self, retry: BulkRetry) -> str:
        """Say which dead letters it retries."""
        return ", ".join(f"{name} {value}" for name, value in retry.filter.items()) or "all"

    @display(description="retried")
    def progress(self, retry: BulkRetry) -> SafeString:
        """Show how many are retried, of those there were."""
        pct = 100 * retry.retried / retry.total if retry.total else 100
        return progress_bar(min(100.0, pct), f"{retry.retried:,} of {retry.total:,}")

    @display(description="which")
    def filter_json(self, retry: BulkRetry) -> SafeString | str:
        """Show the filter."""
        return pretty_json(retry.filter) if retry.filter else "all open dead letters"

    @display(description="tried first")
    def first_jobs(self, retry: BulkRetry) -> SafeString | str:
        """List the jobs that the others wait, or waited, for."""
        found = [(link("admin:jobs_job_change", pk, f"job {pk}"),) for pk in retry.canary_jobs]
        return format_html_join(", ", "{}", found) if found else "-"

    @action(description="Go on…", permissions=["control"], url_path="go-on", icon="play_arrow")
    def go_on(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and let it go on."""
        effect = "The other dead letters are retried too, although some of the first ones failed again."
        return self._steer(request, object_id, bulk.continue_bulk_retry, verb="Go on", effect=effect)

    @action(description="Stop…", permissions=["control"], url_path="stop", icon="stop")
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and end it."""
        effect = "No more dead letters are retried; those that were stay retried."
        return self._steer(request, object_id, bulk.stop_bulk_retry, verb="Stop", effect=effect)

    def _steer(self, request: HttpRequest, object_id: int, act: Any, *, verb: str, effect: str) -> HttpResponse:
        back = reverse("admin:jobs_bulkretry_change", args=[object_id])
        reason = given_reason(request)
        if reason is None:
            return ask(
                request,
                self.admin_site,
                form=ReasonForm,
                title=f"{verb}: bulk retry {object_id}",
                effect=effect,
                button=verb,
                back=back,
                extra={"opts": self.model._meta},
            )
        try:
            act(object_id, actor=request.user.get_username(), reason=reason, now=timezone.now())
        except (bulk.NotHeld, bulk.HasEnded) as error:
            self.message_user(request, f"Too late: {error}.", messages.WARNING)
        return HttpResponseRedirect(back)
