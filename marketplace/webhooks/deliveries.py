"""Deliveries: what is to be sent, what came of it, and what is sent again."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from jobs.admission import admit
from jobs.batch import GivenUp
from jobs.models import Job, Priority
from jobs.models import State as JobState
from jobs.workflows import cancel_live
from marketplace.webhooks.endpoints import switch_off_failing
from marketplace.webhooks.errors import EndpointGone
from marketplace.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.publishing import TEST_KIND, start
from marketplace.webhooks.sending import Outgoing, Sent
from marketplace.webhooks.signing import secrets_of, signed_headers

State = WebhookDelivery.State
REDELIVERED_AT_ONCE = 1_000
_UNDELIVERED = (State.FAILED, State.SKIPPED)


class BeingSent(Exception):
    """The delivery is being sent at this moment."""


def open_deliveries(delivery_ids: Sequence[int]) -> dict[int, WebhookDelivery]:
    """Find those of the deliveries, by id, that were not made yet, with their messages and endpoints.

    One that was given up comes again when staff tries its dead letter again.
    """
    waiting = WebhookDelivery.objects.filter(pk__in=delivery_ids).exclude(state=State.DELIVERED)
    return waiting.select_related("message", "endpoint").in_bulk()


def is_to_be_sent(delivery: WebhookDelivery) -> bool:
    """Tell whether the endpoint takes the message now; one that is off is still tested."""
    return delivery.endpoint.is_active or delivery.message.kind == TEST_KIND


def outgoing(delivery: WebhookDelivery, *, now: datetime) -> Outgoing:
    """Return the request of an attempt that is made now.

    Raises:
        UnknownEncryptionKey: the endpoint's secret cannot be opened (permanent).
    """
    secrets_now = secrets_of(delivery.endpoint, now=now)
    headers = signed_headers(delivery.message, secrets_now=secrets_now, now=now)
    return Outgoing(delivery.endpoint.address, headers, delivery.message.body)


@transaction.atomic
def record_attempts(results: Mapping[int, Sent]) -> None:
    """Log what was sent, by delivery, and since when endpoints fail.

    It is written before the jobs are settled: whatever becomes of them, these requests were made.
    """
    ids = sorted(results)
    locked = WebhookDelivery.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
    deliveries = list(locked.select_related("endpoint", "message"))
    WebhookAttempt.objects.bulk_create([_attempt(delivery, results[delivery.pk]) for delivery in deliveries])
    WebhookDelivery.objects.filter(pk__in=ids).update(attempts_made=F("attempts_made") + 1)
    failed = {
        it.endpoint_id: results[it.pk].started_at
        for it in deliveries
        if results[it.pk].error is not None and it.message.kind != TEST_KIND  # a test is no message that is missed
    }
    taken = {it.endpoint_id for it in deliveries if results[it.pk].error is None}
    for endpoint_id in sorted({*failed, *taken}):
        endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id)
        if endpoint_id in taken:
            endpoint.exclude(failing_since=None).update(failing_since=None)
        else:
            endpoint.filter(failing_since=None).update(failing_since=failed[endpoint_id])


def _attempt(delivery: WebhookDelivery, sent: Sent) -> WebhookAttempt:
    return WebhookAttempt(
        delivery=delivery,
        number=delivery.attempts_made + 1,
        started_at=sent.started_at,
        duration_ms=sent.duration_ms,
        status_code=sent.status_code,
        error_code=sent.error.code if sent.error else "",
        error_message=str(sent.error)[:500] if sent.error else "",
        answer=sent.answer,
    )


def record_ends(results: Mapping[int, State], *, now: datetime) -> None:
    """Note which deliveries were made, and which were not because their endpoint is off."""
    for state in (State.DELIVERED, State.SKIPPED):
        ids = [delivery_id for delivery_id, reached in results.items() if reached == state]
        if ids:
            at = now if state == State.DELIVERED else None
            made = WebhookDelivery.objects.filter(pk__in=ids).exclude(state=State.DELIVERED)
            made.update(state=state, delivered_at=at)


def give_up(given_up: Sequence[GivenUp], *, now: datetime) -> None:
    """Note which deliveries failed for good, and switch off endpoints that are gone or have failed for long."""
    codes = {job.payload["delivery"]: job.error_code for job in given_up}
    WebhookDelivery.objects.filter(pk__in=list(codes), state=State.WAITING).update(state=State.FAILED)
    gone = {delivery_id for delivery_id, code in codes.items() if code == EndpointGone.code}
    endpoints = WebhookEndpoint.objects.filter(deliveries__in=list(codes)).distinct().order_by("pk")
    gone_endpoints = set(endpoints.filter(deliveries__in=gone).values_list("pk", flat=True))
    for endpoint_id in endpoints.values_list("pk", flat=True):
        switch_off_failing(endpoint_id, is_gone=endpoint_id in gone_endpoints, now=now)


@transaction.atomic
def redeliver(delivery: WebhookDelivery) -> WebhookDelivery:
    """Deliver a message again at once, under its old id, with all attempts; also one that was taken.

    Raises:
        BeingSent: a request is under way.
        TooManyJobs: the submission is refused for now.
    """
    restarted = _restart(WebhookDelivery.objects.filter(pk=delivery.pk))
    if not restarted:
        raise BeingSent
    return restarted[0]


@transaction.atomic
def redeliver_failed(endpoint: WebhookEndpoint, *, since: datetime) -> int:
    """Deliver again what an endpoint has not taken since then, oldest first; return how many, 1,000 at most.

    Raises:
        TooManyJobs: the submission is refused for now.
    """
    failed = undelivered(endpoint).filter(created_at__gte=since).order_by("pk")
    ids = list(failed.values_list("pk", flat=True)[:REDELIVERED_AT_ONCE])
    return len(_restart(WebhookDelivery.objects.filter(pk__in=ids)))


def undelivered(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Find what an endpoint has not taken: given up, not sent, or refused at least once."""
    is_refused = Q(state=State.WAITING, attempts_made__gt=0)
    return WebhookDelivery.objects.filter(Q(state__in=_UNDELIVERED) | is_refused, endpoint=endpoint)


def _restart(deliveries: QuerySet[WebhookDelivery]) -> list[WebhookDelivery]:
    """Start another round of the deliveries, except of those that are being sent, in place of the one under way.

    Their jobs are locked before the rows, in the order in which a settlement locks them.
    """
    waiting = deliveries.filter(state=State.WAITING).exclude(job_id=None).values_list("job_id", flat=True)
    jobs = Job.objects.filter(pk__in=list(waiting)).order_by("pk").select_for_update()  # no claim takes one of them now
    states = dict(jobs.values_list("pk", "state"))
    running = {pk for pk, state in states.items() if state == JobState.RUNNING}
    idle = sorted(states.keys() - running)
    cancel_live(idle, code="webhooks.redelivered", message="It was asked to be delivered again.")
    locked = deliveries.order_by("pk").select_for_update(of=("self",)).select_related("endpoint")
    chosen = [it for it in locked if it.state != State.WAITING or it.job_id not in running]
    if not chosen:
        return []
    tenant = str(chosen[0].endpoint.seller_id)
    admit(tenant=tenant, priority=Priority.NORMAL, count=len(chosen))
    for delivery in chosen:
        delivery.state = State.WAITING
        delivery.delivered_at = None
        delivery.round += 1
    WebhookDelivery.objects.bulk_update(chosen, ["state", "delivered_at", "round"])
    start(chosen, tenant=tenant)
    return chosen
