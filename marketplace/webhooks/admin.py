"""Webhooks in the admin: where they go, what was sent, and a switch."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, list_link
from marketplace.webhooks.endpoints import switch_for_staff
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint

ATTEMPTS_SHOWN = 20
STATE_LABELS = {
    WebhookDelivery.State.WAITING: "info",
    WebhookDelivery.State.DELIVERED: "success",
    WebhookDelivery.State.FAILED: "danger",
    WebhookDelivery.State.SKIPPED: "warning",
}


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Where sellers are told by HTTP; the secrets are never shown here."""

    list_display = [
        "address",
        "seller_link",
        "state_label",
        "off_why",
        "failing_since",
        "deliveries_link",
        "created_at",
    ]
    list_filter = ["state", "off_why"]
    list_select_related = ["seller"]
    search_fields = ["address", "seller__name"]
    actions = ["switch_off", "switch_on"]
    fieldsets = [
        (None, {"fields": ["address", "description", "seller_link", "kinds", "deliveries_link"]}),
        ("State", {"fields": ["state_label", "off_why", "off_at", "failing_since", "previous_until"]}),
        ("Times", {"fields": ["created_at", "updated_at"]}),
    ]
    readonly_fields = ["seller_link", "state_label", "deliveries_link"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        """Leave the secrets where they are."""
        found: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        return found.defer("secret", "previous_secret")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Let those switch who may change endpoints, although nobody edits one."""
        return request.user.has_perm("marketplace.change_webhookendpoint")

    @display(description="seller", ordering="seller")
    def seller_link(self, endpoint: WebhookEndpoint) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", endpoint.seller_id, endpoint.seller)

    @display(description="state", ordering="state")
    def state_label(self, endpoint: WebhookEndpoint) -> SafeString:
        """Show whether messages go there, and arrive."""
        if not endpoint.is_active:
            return label("off", "danger")
        return label("failing", "warning") if endpoint.failing_since else label("on", "success")

    @display(description="deliveries")
    def deliveries_link(self, endpoint: WebhookEndpoint) -> SafeString:
        """Link to what was sent there."""
        query = f"endpoint__id__exact={endpoint.pk}"
        return list_link("admin:marketplace_webhookdelivery_changelist", query, "deliveries")

    @action(description="Switch selected off…", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        """Ask for a reason and switch the selected endpoints off."""
        effect = "Nothing is sent there until the seller, or staff, switches it on; what is missed can be sent then."
        return self._switch(request, queryset, is_active=False, effect=effect)

    @action(description="Switch selected on…", permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        """Ask for a reason and switch the selected endpoints on."""
        return self._switch(request, queryset, is_active=True, effect="What happens from now on is sent there.")

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint], *, is_active: bool, effect: str
    ) -> HttpResponse | None:
        verb = "on" if is_active else "off"
        reason = given_reason(request)
        if reason is None:
            return ask_for_reason(
                request,
                self,
                list(queryset),
                action=f"switch_{verb}",
                title=f"Switch webhooks {verb}",
                effect=effect,
                button=f"Switch {verb}",
            )
        actor = request.user.get_username()
        switched = sum(
            switch_for_staff(endpoint, is_active=is_active, actor=actor, reason=reason) for endpoint in queryset
        )
        self.message_user(request, f"{switched} switched {verb}.", messages.SUCCESS)
        return None


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Messages to endpoints, with each attempt."""

    list_display = ["message", "kind", "endpoint_link", "state_label", "attempts_made", "created_at", "delivered_at"]
    list_filter = ["state"]
    list_select_related = ["message", "endpoint"]
    search_fields = ["=message__message_id", "endpoint__address"]
    fieldsets = [
        (None, {"fields": ["message", "kind", "endpoint_link", "state_label", "job_link", "round"]}),
        ("Attempts", {"fields": ["attempts_made", "attempts"]}),
        ("What is sent", {"fields": ["body"]}),
        ("Times", {"fields": ["created_at", "delivered_at"]}),
    ]
    readonly_fields = ["kind", "endpoint_link", "state_label", "job_link", "attempts", "body"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let the link from an endpoint narrow the list."""
        return lookup == "endpoint__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description="kind", ordering="message__kind")
    def kind(self, delivery: WebhookDelivery) -> str:
        """Show the type of the message."""
        return delivery.message.kind

    @display(description="endpoint", ordering="endpoint")
    def endpoint_link(self, delivery: WebhookDelivery) -> SafeString:
        """Link to the endpoint."""
        return link("admin:marketplace_webhookendpoint_change", delivery.endpoint_id, delivery.endpoint)

    @display(description="state", ordering="state")
    def state_label(self, delivery: WebhookDelivery) -> SafeString:
        """Show the state."""
        return label(delivery.get_state_display(), STATE_LABELS[WebhookDelivery.State(delivery.state)])

    @display(description="job")
    def job_link(self, delivery: WebhookDelivery) -> SafeString | str:
        """Link to the job of this round."""
        if delivery.job_id is None:
            return "-"
        return link("admin:jobs_job_change", delivery.job_id, f"job {delivery.job_id}")

    @display(description="attempts")
    def attempts(self, delivery: WebhookDelivery) -> SafeString | str:
        """List the latest attempts."""
        rows = [
            (it.number, it.status_code or "-", f"{it.duration_ms} ms", it.error_message or "taken", it.answer[:200])
            for it in delivery.attempts.all()[:ATTEMPTS_SHOWN]
        ]
        lines = format_html_join("", "<li>{}: {} in {}, {} <code>{}</code></li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', lines) if rows else "-"

    @display(description="body")
    def body(self, delivery: WebhookDelivery) -> SafeString:
        """Show the message to the letter."""
        return format_html("<pre>{}</pre>", delivery.message.body)
