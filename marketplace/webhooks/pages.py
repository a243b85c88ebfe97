"""The sellers' pages of webhooks: where they go, what was sent, and how it went."""

import json
from datetime import timedelta

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.admission import TooManyJobs
from jobs.errors import JobError
from jobs.models import Job
from jobs.models import State as JobState
from jobs.sealing import NoEncryptionKey, UnknownEncryptionKey
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.notifications.kinds import MANNERS, Kind
from marketplace.webhooks import deliveries, endpoints
from marketplace.webhooks.addresses import MAX_LENGTH, checked_endpoint
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.publishing import TEST_KIND

PER_PAGE = 25
REDELIVERED_DAYS = (1, 3, 7, 30)
NO_KEY = "Secrets cannot be kept here: who runs this marketplace must set JOB_ENCRYPTION_KEYS first."
LOST_KEY = (
    "The secret cannot be opened: who runs this marketplace must put the key that it was kept under back into "
    "JOB_ENCRYPTION_KEYS. Or make a new secret."
)
REVEALED = "webhook_revealed"  # of the session: the endpoint whose secret the next page shows, once
KIND_LABELS = [(str(kind), manner.label) for kind, manner in MANNERS.items()]


class EndpointForm(forms.Form):
    """What a seller says of an endpoint."""

    address = forms.CharField(
        label="Address",
        max_length=MAX_LENGTH,
        help_text="An https address of yours that takes POST requests.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    description = forms.CharField(label="What it is for", max_length=200, required=False)
    kinds = forms.MultipleChoiceField(
        label="What it is told of",
        choices=KIND_LABELS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_address(self) -> str:
        """Let the core say whether messages may go there."""
        address: str = self.cleaned_data["address"]
        try:
            checked_endpoint(address)
        except JobError as error:
            raise forms.ValidationError(str(error), code=error.code) from error
        return address

    @property
    def chosen(self) -> list[Kind]:
        """The kinds that were ticked."""
        return [Kind(kind) for kind in self.cleaned_data["kinds"]]


@require_http_methods(["GET", "HEAD", "POST"])
@seller_page
def webhooks_page(request: SellerRequest) -> HttpResponse:
    """List the seller's webhooks, and make one."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, _ = endpoints.create_endpoint(
                request.seller,
                address=form.cleaned_data["address"],
                kinds=form.chosen,
                description=form.cleaned_data["description"],
            )
        except endpoints.TooManyEndpoints:
            form.add_error(None, "There are ten webhooks, which is the most. Delete one, or change it.")
        except NoEncryptionKey:
            form.add_error(None, NO_KEY)
        else:
            messages.success(request, "The webhook is made. Take its secret over, then send a test event.")
            return redirect("seller-webhook", endpoint.pk)
    found = WebhookEndpoint.objects.filter(seller=request.seller).order_by("pk")
    context = {"form": form, "endpoints": found, "is_full": len(found) >= endpoints.MAX_ENDPOINTS}
    return render(request, "webhooks/list.html", context)


def _own(request: SellerRequest, endpoint_id: int) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint, pk=endpoint_id, seller=request.seller)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_page
def webhook_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Show a webhook and what was sent there; change it."""
    endpoint = _own(request, endpoint_id)
    stored = {"address": endpoint.address, "description": endpoint.description, "kinds": endpoint.kinds}
    form = EndpointForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        endpoints.change_endpoint(
            endpoint,
            address=form.cleaned_data["address"],
            kinds=form.chosen,
            description=form.cleaned_data["description"],
        )
        messages.success(request, "The webhook is changed.")
        return redirect("seller-webhook", endpoint.pk)
    sent = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("message").order_by("-pk")
    page = Paginator(sent, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "endpoint": endpoint,
        "form": form,
        "page": page,
        "undelivered": deliveries.undelivered(endpoint)[:100].count(),
        "days": REDELIVERED_DAYS,
        "secret": _secret_to_show(request, endpoint),
        "is_rotating": endpoints.is_rotating(endpoint, now=timezone.now()),
    }
    return render(request, "webhooks/one.html", context)


@require_POST
@seller_page
def secret_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Show the secret, once."""
    return _with_secret(request, _own(request, endpoint_id))


@require_POST
@seller_page
def rotate_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Make a new secret, and show it."""
    endpoint = _own(request, endpoint_id)
    try:
        endpoints.rotate_secret(endpoint, now=timezone.now())
    except endpoints.StillRotating as error:
        messages.warning(request, str(error))
    except NoEncryptionKey:
        messages.error(request, NO_KEY)
    else:
        return _with_secret(request, endpoint)
    return redirect("seller-webhook", endpoint.pk)


def _with_secret(request: SellerRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    request.session[REVEALED] = endpoint.pk
    return redirect("seller-webhook", endpoint.pk)


def _secret_to_show(request: SellerRequest, endpoint: WebhookEndpoint) -> str:
    """Return the secret on the page that follows the request for it; the session holds no secret, only whose."""
    if request.method != "GET" or request.session.get(REVEALED) != endpoint.pk:
        return ""
    del request.session[REVEALED]
    try:
        return endpoints.secret_of(endpoint)
    except UnknownEncryptionKey:
        messages.error(request, LOST_KEY)
        return ""


@require_POST
@seller_page
def switch_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Switch a webhook on or off."""
    is_active = request.POST.get("to") == "on"
    endpoints.change_endpoint(_own(request, endpoint_id), is_active=is_active)
    messages.success(request, f"The webhook is {'on' if is_active else 'off'}.")
    return redirect("seller-webhook", endpoint_id)


@require_POST
@seller_page
def delete_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Delete a webhook with its log."""
    _own(request, endpoint_id).delete()
    messages.success(request, "The webhook is deleted.")
    return redirect("seller-webhooks")


@require_POST
@seller_page
def test_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Send a test event, and show how it goes."""
    try:
        delivery = endpoints.send_test(_own(request, endpoint_id))
    except TooManyJobs as error:
        messages.error(request, str(error))
        return redirect("seller-webhook", endpoint_id)
    messages.info(request, "The test event is on its way. Load this page again to see how it went.")
    return redirect("seller-webhook-delivery", endpoint_id, delivery.pk)


@require_safe
@seller_page
def delivery_page(request: SellerRequest, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Show a message, and each attempt to deliver it."""
    endpoint = _own(request, endpoint_id)
    own = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("message")
    delivery = get_object_or_404(own, pk=delivery_id)
    job = Job.objects.filter(pk=delivery.job_id or 0, state=JobState.SCHEDULED).values("run_at").first()
    context = {
        "endpoint": endpoint,
        "delivery": delivery,
        "label": (dict(KIND_LABELS) | {TEST_KIND: "Test event"}).get(delivery.message.kind, delivery.message.kind),
        "attempts": delivery.attempts.order_by("-pk")[:100],
        "next_at": job["run_at"] if job and delivery.state == WebhookDelivery.State.WAITING else None,
        "body": json.dumps(json.loads(delivery.message.body), indent=2, ensure_ascii=False),
    }
    return render(request, "webhooks/delivery.html", context)


@require_POST
@seller_page
def redeliver_page(request: SellerRequest, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Send a message again at once."""
    own = WebhookDelivery.objects.filter(endpoint=_own(request, endpoint_id))
    delivery = get_object_or_404(own, pk=delivery_id)
    try:
        deliveries.redeliver(delivery)
    except deliveries.BeingSent:
        messages.warning(request, "The message is being sent at this moment. Look again in a few seconds.")
    except TooManyJobs as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The message is sent again, under its old id.")
    return redirect("seller-webhook-delivery", endpoint_id, delivery_id)


@require_POST
@seller_page
def redeliver_failed_page(request: SellerRequest, endpoint_id: int) -> HttpResponse:
    """Send again what was not taken in the last days."""
    days = request.POST.get("days", "")
    if days not in map(str, REDELIVERED_DAYS):
        messages.error(request, "Choose for how many days.")
        return redirect("seller-webhook", endpoint_id)
    try:
        since = timezone.now() - timedelta(days=int(days))
        count = deliveries.redeliver_failed(_own(request, endpoint_id), since=since)
    except TooManyJobs as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{count:,} {'message is' if count == 1 else 'messages are'} sent again.")
    return redirect("seller-webhook", endpoint_id)
