"""What ended long ago is forgotten, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, NewJob, Released
from jobs.ledger import enqueue
from jobs.models import Job, Priority
from jobs.registry import tasks_of_queue
from marketplace.accounts.models import Invitation
from marketplace.history import delete_in_batches, run_sweep, sweep_history
from marketplace.models import Seller
from marketplace.rechecks.models import Recheck
from tests.marketplace.factories import make_job, make_product
from tests.marketplace.queues import run_due

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OLD, RECENT = NOW - timedelta(days=31), NOW - timedelta(days=29)


@pytest.fixture(autouse=True)
def thirty_days(settings: Any) -> None:
    settings.HISTORY_KEEP_DAYS = 30.0


def test_invitations_go_when_they_were_used_or_had_expired_long_ago(seller: Seller) -> None:
    for name, accepted_at, expires_at in (
        ("used long ago", OLD, OLD),
        ("expired long ago", None, OLD),
        ("used lately", RECENT, RECENT),
        ("expired lately", None, RECENT),
        ("open", None, NOW + timedelta(days=1)),
    ):
        Invitation.objects.create(
            seller=seller, email="a@b.example", token_sha256=name, accepted_at=accepted_at, expires_at=expires_at
        )
    assert sweep_history(now=NOW) == 2
    assert set(Invitation.objects.values_list("token_sha256", flat=True)) == {"used lately", "expired lately", "open"}


def test_rechecks_go_when_they_ended_long_ago(seller: Seller) -> None:
    product = make_product(seller)
    old, working, recent = (Recheck.objects.create(seller=seller, product=product, asked_by="ann") for _ in range(3))
    Recheck.objects.update(asked_at=OLD)
    Recheck.objects.filter(pk=recent.pk).update(asked_at=RECENT)
    make_job(grp=old.group, state="completed")
    make_job(grp=working.group, state="completed")
    make_job(grp=working.group, state="pending")
    assert sweep_history(now=NOW) == 1
    assert set(Recheck.objects.all()) == {working, recent}


def _old_rechecks(seller: Seller, count: int) -> None:
    product = make_product(seller)
    Recheck.objects.bulk_create(Recheck(seller=seller, product=product, asked_by="ann") for _ in range(count))
    Recheck.objects.update(asked_at=OLD)


def test_a_run_deletes_so_many_and_a_job_that_follows_goes_on(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.history.MOST_A_RUN", 3)
    monkeypatch.setattr("marketplace.history.AT_ONCE", 2)
    _old_rechecks(seller, 5)
    Invitation.objects.create(seller=seller, email="a@b.example", token_sha256="old", expires_at=OLD)
    enqueue(NewJob("sweep-history", {}))
    assert run_due("sync-seller") == 3
    assert list(Job.objects.order_by("pk").values_list("result__deleted", flat=True)) == [3, 3, 0]
    assert not Recheck.objects.exists()


def test_a_sweep_stops_when_its_worker_is_to_and_is_handed_back(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.history.AT_ONCE", 2)
    _old_rechecks(seller, 5)
    job = ClaimedJob(
        id=1, task="sweep-history", tenant="", priority=Priority.NORMAL, attempt=1, max_attempts=3, waits=0, lease=1,
        group=None, gate=None, key=None, payload={}, meta={}, claimed_at=NOW, wait_s=0, is_suspect=False,
    )  # fmt: skip
    answers = iter([False, False, True])
    batch = Batch([job], is_stopping=lambda: next(answers, True))
    run_sweep(batch, sweep_history)
    assert (batch.outcomes, Recheck.objects.count()) == ({1: Released()}, 3)
    run_sweep(Batch([job]), sweep_history)
    assert not Recheck.objects.exists()


def test_sweeps_wait_on_no_queue_of_mails() -> None:
    assert [it.name for it in tasks_of_queue("notify-seller") if it.name.startswith("sweep")] == []


def test_more_than_one_transaction_takes_all_go(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.history.AT_ONCE", 2)
    product = make_product(seller)
    Recheck.objects.bulk_create(Recheck(seller=seller, product=product, asked_by="ann") for _ in range(5))
    assert delete_in_batches(Recheck.objects.all()) == 5
    assert not Recheck.objects.exists()
