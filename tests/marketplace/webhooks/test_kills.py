"""A worker that is killed while messages are on their way: they come again under their old ids, and none is lost."""

import signal
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from jobs.models import Job
from jobs.permits import transport
from marketplace.notifications.kinds import Kind
from marketplace.notifications.telling import tell
from marketplace.webhooks.endpoints import create_endpoint
from marketplace.webhooks.models import WebhookDelivery
from tests.fakes.receiver import Answer, Receiver, webhook_receiver
from tests.jobs.fleet import Fleet
from tests.marketplace.factories import make_seller
from tests.marketplace.queues import run_after

MESSAGES = 12


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with webhook_receiver() as served:
        settings.FETCH_PRIVATE_HOSTS = [served.host]
        yield served


@pytest.fixture
def fleet(transactional_db: None, tmp_path: Path, receiver: Receiver, settings: Any) -> Iterator[Fleet]:
    transport().flushdb()
    started = Fleet(tmp_path / "fleet.log")
    started.set(
        DJANGO_SETTINGS_MODULE="tests.marketplace.webhooks.settings",
        FETCH_PRIVATE_HOSTS=receiver.host,
        JOB_ENCRYPTION_KEYS=",".join(settings.JOB_ENCRYPTION_KEYS),
    )
    yield started
    started.end()


def test_a_worker_killed_between_sending_and_settling_loses_nothing_and_makes_no_new_id(
    fleet: Fleet, receiver: Receiver
) -> None:
    secrets = {}
    for _ in range(MESSAGES):
        seller = make_seller()
        secrets[f"/{seller.pk}"] = create_endpoint(seller, address=f"{receiver.origin}/{seller.pk}")[1]
        tell(Kind.SYNC_FAILED, seller_id=seller.pk)
    run_after("notify-seller", timedelta(minutes=1))
    receiver.next = [Answer(500), Answer(hangs=True)]
    fleet.start("dispatcher")
    worker = fleet.worker("deliver-webhook")
    receiver.wait_for(MESSAGES)  # the first was refused, the second hangs, the others are taken; none is settled
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not WebhookDelivery.objects.exclude(state="waiting").exists()
    fleet.worker("deliver-webhook")

    def is_done() -> bool:
        Job.objects.filter(state="scheduled").update(run_at=F("run_at") - timedelta(hours=1))
        return WebhookDelivery.objects.filter(state="delivered").count() == MESSAGES

    fleet.until(is_done, "every message to be delivered", deadline_s=60)
    ids = defaultdict(set)
    for request in receiver.received:
        ids[request.path].add(request.webhook_id)
    assert set(ids) == set(secrets)
    assert {len(of_one) for of_one in ids.values()} == {1}
    assert len(set.union(*ids.values())) == MESSAGES
    assert len(receiver.received) >= 2 * MESSAGES
