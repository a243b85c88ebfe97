"""The task that delivers webhooks."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task
from jobs.retry import Curve, RetryPolicy
from marketplace.webhooks import deliveries
from marketplace.webhooks.models import WebhookDelivery
from marketplace.webhooks.sending import Outgoing, send_all

# Ten tries in 75.6 hours: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the one before.
# Source: Standard Webhooks 1.0.0, "Deliverability and reliability".
SCHEDULE = RetryPolicy(
    curve=Curve(waits_s=(5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400), jitter=0.1),
)
TRIES = len(SCHEDULE.curve.waits_s) + 1

State = WebhookDelivery.State


def give_up(given_up: Sequence[GivenUp]) -> None:
    """Note what was not delivered, and switch off what is gone or has failed for long."""
    deliveries.give_up(given_up, now=timezone.now())


@effect
def store_ends(jobs: Sequence[ClaimedJob], data: Any) -> None:
    """Note how the jobs' deliveries ended; `data` is their states by delivery."""
    ends = {job.payload["delivery"]: State(data[key]) for job in jobs if (key := str(job.payload["delivery"])) in data}
    deliveries.record_ends(ends, now=timezone.now())


@task(
    queue="deliver-webhook",
    batch_size=16,
    timeout_s=60,
    attempts=TRIES,
    retry=SCHEDULE,
    subject=["delivery"],
    on_give_up=give_up,
)
def deliver_webhook(batch: Batch) -> None:
    """Send each message to its endpoint, side by side; killed before it is settled, it sends again under the same id.

    A delivery that has ended, or whose endpoint is off or deleted, is not sent.
    """
    ends: dict[str, str] = {}
    waiting = deliveries.open_deliveries([job.payload["delivery"] for job in batch])
    for delivery in [it for it in waiting.values() if not deliveries.is_to_be_sent(it)]:
        ends[str(delivery.pk)] = State.SKIPPED
        del waiting[delivery.pk]
    jobs = {job.payload["delivery"]: job for job in batch if job.payload["delivery"] in waiting}
    requests = _requests(batch, waiting, jobs)
    results = dict(zip(requests, send_all(list(requests.values())), strict=True))
    deliveries.record_attempts(results)
    for delivery_id, sent in results.items():
        if sent.error is not None:
            batch.fail(jobs[delivery_id], sent.error)
            continue
        ends[str(delivery_id)] = State.DELIVERED
        batch.complete(jobs[delivery_id], result={"status": sent.status_code, "ms": sent.duration_ms})
    batch.on_settle(bind(store_ends, ends))


def _requests(
    batch: Batch, waiting: Mapping[int, WebhookDelivery], jobs: Mapping[int, ClaimedJob]
) -> dict[int, Outgoing]:
    """Return the requests by delivery; a delivery that cannot be signed fails alone."""
    requests: dict[int, Outgoing] = {}
    for delivery_id, delivery in waiting.items():
        try:
            requests[delivery_id] = deliveries.outgoing(delivery, now=timezone.now())
        except JobError as error:
            batch.fail(jobs[delivery_id], error)
    return requests
