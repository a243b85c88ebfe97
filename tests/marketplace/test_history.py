"""What ended long ago is forgotten, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.accounts.models import Invitation
from marketplace.history import delete_in_batches, sweep_history
from marketplace.models import Seller
from marketplace.rechecks.models import Recheck
from tests.marketplace.factories import make_job, make_product

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


def test_more_than_one_transaction_takes_all_go(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.history.AT_ONCE", 2)
    product = make_product(seller)
    Recheck.objects.bulk_create(Recheck(seller=seller, product=product, asked_by="ann") for _ in range(5))
    assert delete_in_batches(Recheck.objects.all()) == 5
    assert not Recheck.objects.exists()
