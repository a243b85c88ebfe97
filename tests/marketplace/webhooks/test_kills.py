"""A worker that is killed while a message is on its way: it comes again, under its old id, and none is lost."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from jobs.models import Job
from jobs.permits import transport
from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.telling import tell
from marketplace.webhooks.endpoints import create_endpoint
from marketplace.webhooks.models import WebhookDelivery, WebhookMessage
from tests.fakes.receiver import Answer, Receiver, webhook_receiver
from tests.jobs.fleet import Fleet
from tests.marketplace.factories import make_seller

MESSAGES = 12


@pytest.fixture
def fleet(transactional_db: None, tmp_path: Path) -> Iterator[Fleet]:
    transport().flushdb()
    started = Fleet(tmp_path / "fleet.log")
    yield started
    started.end()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with webhook_receiver() as served:
        settings.FETCH_PRIVATE_HOSTS = [served.host]
        yield served


def _due_now(task: str) -> None:
    Job.objects.filter(task=task, state="scheduled").update(run_at=F("run_at") - timedelta(days=1))


@pytest.mark.django_db(transaction=True)
def test_a_kill_between_sending_and_settling_sends_again_with_the_same_id(fleet: Fleet, receiver: Receiver) -> None:
    seller = make_seller()
    endpoint, secret = create_endpoint(seller, address=f"{receiver.origin}/hook")
    receiver.next = [Answer(hangs=True)]
    fleet.set(FETCH_PRIVATE_HOSTS=receiver.host)
    fleet.with_product()
    fleet.start("dispatcher")
    worker = fleet.worker("deliver-webhook")
    _tell(seller, Kind.SYNC_FAILED)
    fleet.worker("notify-seller")
    receiver.wait_for(1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    fleet.worker("deliver-webhook")
    receiver.wait_for(2)
    fleet.until(lambda: WebhookDelivery.objects.get().state == "delivered", "the delivery to be settled")
    assert len({request.webhook_id for request in receiver.received}) == 1
    assert len(receiver.verified(secret)) == 2
    assert endpoint.deliveries.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_are_killed_lose_no_message_and_give_none_another_id(fleet: Fleet, receiver: Receiver) -> None:
    sellers = [make_seller() for _ in range(MESSAGES)]
    for seller in sellers:
        create_endpoint(seller, address=f"{receiver.origin}/{seller.pk}")
    fleet.set(FETCH_PRIVATE_HOSTS=receiver.host)
    fleet.with_product()
    fleet.start("dispatcher")
    workers = [fleet.worker(queue) for queue in ("notify-seller", "deliver-webhook")]
    receiver.next = [Answer(hangs=True), Answer(500), Answer(hangs=True)]
    for seller in sellers:
        _tell(seller, Kind.SYNC_FAILED)
    receiver.wait_for(3)
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    for queue in ("notify-seller", "deliver-webhook"):
        fleet.worker(queue)

    def is_done() -> bool:
        _due_now("deliver-webhook")
        return WebhookDelivery.objects.filter(state="delivered").count() == MESSAGES

    fleet.until(is_done, "every message to be delivered", deadline_s=60)
    assert WebhookMessage.objects.count() == MESSAGES
    ids = {request.path: set[str]() for request in receiver.received}
    for request in receiver.received:
        ids[request.path].add(request.webhook_id)
    assert sorted(ids) == sorted(f"/{seller.pk}" for seller in sellers)
    assert {len(of_one) for of_one in ids.values()} == {1}
    assert len({one for of_one in ids.values() for one in of_one}) == MESSAGES


def _tell(seller: Seller, kind: Kind) -> None:
    tell(kind, seller_id=seller.pk)
    Job.objects.filter(task="notify-seller", state="scheduled").update(run_at=timezone.now())
