"""Webhooks as a receiver sees them: signed, once, under one id however often they are tried, and no further."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from jobs.dead_letters import retry_dead_letter
from jobs.models import DeadLetter, Job
from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import Notification, OutboxEntry
from marketplace.notifications.reading import subjects_told
from marketplace.notifications.wording import words_of
from marketplace.webhooks import sending
from marketplace.webhooks.deliveries import BeingSent, redeliver, redeliver_failed
from marketplace.webhooks.endpoints import change_endpoint, send_test
from marketplace.webhooks.errors import EndpointBusy, EndpointFailing, EndpointGone, EndpointRedirects
from marketplace.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from marketplace.webhooks.sending import Outgoing, error_of, send_all
from marketplace.webhooks.tasks import SCHEDULE, TRIES
from tests.fakes.receiver import Answer, Receiver
from tests.marketplace.factories import make_seller
from tests.marketplace.queues import run_after, run_due
from tests.marketplace.webhooks.conftest import Hook
from tests.marketplace.webhooks.saying import QUEUE, say

pytestmark = pytest.mark.django_db
WAITS = [timedelta(seconds=wait_s * 1.1) for wait_s in SCHEDULE.curve.waits_s]
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_message_arrives_signed(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    _, secret = hook()
    say(seller, subjects=2)
    assert run_due(QUEUE) == 1
    (message,) = receiver.verified(secret)
    assert (message["type"], message["data"]["count"]) == ("products.rejected", 2)
    assert message["data"]["subjects"][0] == {"product": 0, "title": "Lampe 0 für Öl", "reason": "price.missing"}
    (request,) = receiver.received
    assert request.path == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert request.webhook_id == WebhookMessage.objects.get().message_id
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts_made) == ("delivered", 1)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.number, attempt.status_code, attempt.error_code) == (1, 204, "")


def test_another_secret_does_not_verify_it(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    say(seller)
    run_due(QUEUE)
    with pytest.raises(WebhookVerificationError):
        receiver.verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_endpoints_get_the_kinds_that_they_asked_for(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook("/all")
    hook("/syncs", kinds=[Kind.SYNC_FINISHED, Kind.SYNC_FAILED])
    hook("/another's", seller=make_seller())
    say(seller, Kind.PRODUCTS_FLAGGED)
    say(seller, Kind.SYNC_FINISHED)
    run_due(QUEUE)
    kinds = [(request.path, json.loads(request.body)["type"]) for request in receiver.received]
    assert sorted(kinds) == [("/all", "products.flagged"), ("/all", "sync.finished"), ("/syncs", "sync.finished")]


def test_without_an_endpoint_no_message_is_written(seller: Seller) -> None:
    say(seller)
    assert Notification.objects.exists()
    assert not WebhookMessage.objects.exists()


def test_a_message_stays_below_20_kb_and_says_there_is_more(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    say(seller, subjects=5_000)
    run_due(QUEUE)
    (request,) = receiver.received
    data = json.loads(request.body)["data"]
    assert len(request.body) < 20_000
    assert (data["count"], data["has_more"]) == (5_000, True)
    assert data["url"].endswith(f"/api/notifications/{Notification.objects.get().pk}/")


def test_ten_tries_over_three_days_bear_one_id_and_then_it_ends(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    _, secret = hook()
    receiver.usual = Answer(500, body=b"x" * 5_000)
    say(seller)
    run_due(QUEUE)
    for wait in WAITS:
        assert run_after(QUEUE, wait) == 1
    assert run_after(QUEUE, timedelta(days=9)) == 0
    assert len(receiver.received) == TRIES == 10
    assert len({request.webhook_id for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1
    assert len(receiver.verified(secret)) == 10
    assert WebhookDelivery.objects.get().state == "failed"
    attempts = WebhookAttempt.objects.order_by("pk")
    assert [it.number for it in attempts] == list(range(1, 11))
    assert {(it.status_code, it.error_code, len(it.answer)) for it in attempts} == {(500, "webhooks.failing", 1024)}
    assert DeadLetter.objects.filter(task="deliver-webhook").count() == 1


def test_a_dead_letter_that_staff_tries_again_is_sent(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    receiver.next = [Answer(308, {"Location": "/"})] * TRIES
    say(seller)
    run_due(QUEUE)
    for wait in WAITS:
        run_after(QUEUE, wait)
    assert WebhookDelivery.objects.get().state == "failed"
    sent = len(receiver.received)
    retry_dead_letter(DeadLetter.objects.get(task="deliver-webhook").pk, actor="ana", reason="it is back")
    run_due(QUEUE)
    assert len(receiver.received) == sent + 1
    assert WebhookDelivery.objects.get().state == "delivered"


def test_a_message_is_taken_whatever_the_body_of_the_answer(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    receiver.next = [Answer(200, {"Content-Encoding": "gzip"}, body=b"no gzip at all")]
    say(seller)
    run_due(QUEUE)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status_code, attempt.error_code, attempt.answer) == (200, "", "")
    assert WebhookDelivery.objects.get().state == "delivered"


def test_the_tries_come_when_the_standard_says() -> None:
    delays = [SCHEDULE.curve.delay_s(attempt=attempt, chance=0) for attempt in range(1, 10)]
    assert delays == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert sum(delays) / 3600 == pytest.approx(75.6, abs=0.1)


def test_a_receiver_that_comes_back_gets_it(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, _ = hook()
    receiver.next = [Answer(503), Answer(500)]
    say(seller)
    run_due(QUEUE)
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
    run_after(QUEUE, WAITS[0])
    run_after(QUEUE, WAITS[1])
    endpoint.refresh_from_db()
    assert (WebhookDelivery.objects.get().state, endpoint.failing_since) == ("delivered", None)
    assert len(receiver.received) == 3


def test_a_redirect_is_a_failure_and_is_not_followed(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    receiver.usual = Answer(302, {"Location": f"{receiver.origin}/elsewhere"})
    say(seller)
    run_due(QUEUE)
    assert [request.path for request in receiver.received] == ["/hook"]
    assert WebhookAttempt.objects.get().error_code == "webhooks.redirects"
    assert Job.objects.get(task="deliver-webhook").state == "scheduled"


def test_410_switches_it_off_at_once_and_the_seller_is_told(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, _ = hook()
    receiver.usual = Answer(410)
    say(seller)
    run_due(QUEUE)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.off_why) == ("off", "gone")
    entry = OutboxEntry.objects.get(kind="webhook.switched_off")
    assert entry.facts == {"endpoint": endpoint.pk, "url": endpoint.address, "why": "gone"}
    say(seller)
    assert run_due(QUEUE) == 0
    assert len(receiver.received) == 1


def test_several_that_are_switched_off_are_told_of_each(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    gone = [hook(f"/{number}")[0] for number in range(3)]
    receiver.usual = Answer(410)
    say(seller)
    run_due(QUEUE)
    run_after("notify-seller", timedelta(minutes=1))
    told = Notification.objects.get(kind="webhook.switched_off")
    assert (told.count, words_of(told).title) == (3, "3 webhooks were switched off")
    assert [it["title"] for it in subjects_told(told, limit=9)] == [it.address for it in gone]
    assert told.reasons == [
        {"code": "webhook.gone", "message": "Switched off: it answered 410.", "remedy": "", "count": 3}
    ]


def test_retry_after_is_heeded_and_spends_no_try(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    receiver.next = [Answer(429, {"Retry-After": "120"})]
    say(seller)
    run_due(QUEUE)
    job = Job.objects.get(task="deliver-webhook")
    assert (job.state, job.attempt, job.waits) == ("scheduled", 0, 1)
    assert 110 < (job.run_at - timezone.now()).total_seconds() <= 120
    run_after(QUEUE, timedelta(seconds=121))
    assert WebhookDelivery.objects.get().state == "delivered"


@pytest.mark.parametrize(
    ("status", "retry_after", "error", "wait_s"),
    [
        (200, "", None, None),
        (299, "", None, None),
        (301, "", EndpointRedirects, None),
        (400, "60", EndpointFailing, None),
        (404, "", EndpointFailing, None),
        (410, "", EndpointGone, None),
        (429, "", EndpointFailing, None),
        (429, "soon", EndpointFailing, None),
        (429, "7", EndpointBusy, 7),
        (502, "7", EndpointBusy, 7),
        (503, "Wed, 25 Nov 2026 00:01:00 GMT", EndpointBusy, 60),
        (503, "9999999", EndpointBusy, 86_400),
        (500, "7", EndpointFailing, None),
    ],
)
def test_what_a_status_stands_for(status: int, retry_after: str, error: Any, wait_s: float | None) -> None:
    found = error_of(status, retry_after, now=NOW)
    assert type(found) is (error or type(None))
    assert getattr(found, "retry_after_s", None) == wait_s


def test_a_receiver_that_hangs_holds_up_nobody_else(receiver: Receiver) -> None:
    receiver.next = [Answer(hangs=True)]
    started = time.monotonic()
    hanging, fine = send_all([Outgoing(f"{receiver.origin}/{it}", {}, "{}") for it in "ab"], timeout_s=0.5)
    assert time.monotonic() - started < 3
    failed, taken = sorted((hanging, fine), key=lambda sent: sent.status_code or 0)
    assert failed.error is not None
    assert failed.error.code == "webhooks.timeout"
    assert (taken.status_code, taken.error) == (204, None)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://10.0.0.1/", "webhooks.address_refused"),
        ("https://[::1]/", "webhooks.address_refused"),
        ("https://localhost/", "webhooks.address_refused"),  # a name that resolves to a private address
        ("http://shop.example/", "webhooks.address_refused"),
        ("https://user:secret@shop.example/", "webhooks.address_refused"),
        ("https://shop.example:22/", "webhooks.address_refused"),
        ("https://no-such-host.invalid/", "webhooks.unreachable"),
    ],
)
def test_nothing_is_sent_into_our_own_network(address: str, code: str) -> None:
    (sent,) = send_all([Outgoing(address, {}, "{}")])
    assert sent.error is not None
    assert (sent.error.code, sent.status_code) == (code, None)


def test_long_failure_switches_it_off_and_the_seller_is_told(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, _ = hook()
    receiver.usual = Answer(500)
    say(seller)
    run_due(QUEUE)
    for wait in WAITS[:-1]:
        run_after(QUEUE, wait)
    endpoint.refresh_from_db()
    assert endpoint.is_active
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=75))
    run_after(QUEUE, WAITS[-1])
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.off_why) == ("off", "failing")
    assert OutboxEntry.objects.filter(kind="webhook.switched_off").count() == 1


def test_what_is_missed_while_it_is_off_can_be_delivered(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, secret = hook()
    receiver.usual = Answer(500)
    say(seller)
    run_due(QUEUE)
    say(seller, Kind.SYNC_FAILED)  # enqueued, and then it is switched off
    change_endpoint(endpoint, is_active=False)
    run_after(QUEUE, WAITS[0])
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"skipped"}
    receiver.usual = Answer(200)
    receiver.received.clear()
    change_endpoint(endpoint, is_active=True)
    assert redeliver_failed(endpoint, since=timezone.now() + timedelta(minutes=1)) == 0
    assert redeliver_failed(endpoint, since=timezone.now() - timedelta(days=1)) == 2
    run_due(QUEUE)
    assert sorted(it["type"] for it in receiver.verified(secret)) == ["products.rejected", "sync.failed"]
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert redeliver_failed(endpoint, since=timezone.now() - timedelta(days=1)) == 0


def test_redelivering_sends_at_once_under_the_old_id_in_place_of_the_next_try(
    hook: Hook, receiver: Receiver, seller: Seller
) -> None:
    hook()
    receiver.next = [Answer(500)]
    say(seller)
    run_due(QUEUE)
    redeliver(WebhookDelivery.objects.get())
    run_due(QUEUE)
    run_after(QUEUE, timedelta(days=9))
    first, second = receiver.received
    assert (first.webhook_id, first.body) == (second.webhook_id, second.body)
    assert WebhookDelivery.objects.get().state == "delivered"
    assert sorted(Job.objects.filter(task="deliver-webhook").values_list("state", flat=True)) == [
        "cancelled",
        "completed",
    ]
    redeliver(WebhookDelivery.objects.get())  # also what was taken
    run_due(QUEUE)
    assert len(receiver.received) == 3


def test_what_is_being_sent_is_not_sent_beside_itself(hook: Hook, seller: Seller) -> None:
    hook()
    say(seller)
    Job.objects.filter(task="deliver-webhook").update(state="running")
    with pytest.raises(BeingSent):
        redeliver(WebhookDelivery.objects.get())
    assert not Job.objects.get(task="deliver-webhook").is_cancelling


def test_a_test_event_is_sent_once_also_to_one_that_is_off(hook: Hook, receiver: Receiver) -> None:
    endpoint, secret = hook()
    change_endpoint(endpoint, is_active=False)
    receiver.usual = Answer(500)
    send_test(endpoint)
    run_due(QUEUE)
    assert run_after(QUEUE, timedelta(days=9)) == 0
    assert [it["type"] for it in receiver.verified(secret)] == ["webhook.test"]
    assert WebhookDelivery.objects.get().state == "failed"
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None  # no message was missed


def test_running_twice_sends_once(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    hook()
    say(seller)
    run_due(QUEUE)
    Job.objects.filter(task="deliver-webhook").update(state="pending", attempt=0, worker=None, finished_at=None)
    run_due(QUEUE)
    assert len(receiver.received) == 1


def test_a_deleted_endpoint_gets_nothing_any_more(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, _ = hook()
    say(seller)
    endpoint.delete()
    assert run_due(QUEUE) == 1
    assert receiver.received == []
    assert not Job.objects.filter(task="deliver-webhook").exclude(state="completed").exists()


def test_a_batch_is_sent_side_by_side(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    """Messages to one that hangs fail by their own time; the others of the batch are delivered meanwhile."""
    hook("/a")
    hook("/b")
    hook("/c")
    say(seller)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "TIMEOUT_S", 0.5)
        assert run_due(QUEUE) == 3
    assert sorted(request.path for request in receiver.received) == ["/a", "/b", "/c"]
