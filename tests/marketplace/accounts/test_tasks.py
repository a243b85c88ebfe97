"""Mails with a way in, as the queue sends them."""

from datetime import timedelta

import pytest
from django.core import mail

from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import Job
from marketplace.accounts import tasks
from tests.marketplace.factories import make_seller
from tests.marketplace.queues import run_after, run_due

pytestmark = pytest.mark.django_db


def test_what_another_job_of_the_batch_raises_mails_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for email in ("ann@shop.example", "bob@shop.example"):
        make_seller(email=email)
        enqueue(NewJob("mail-login", {"email": email}))
    invite = tasks.invite_registered

    def fail_for_bob(email: str, *, occasion: str) -> int:
        if email == "bob@shop.example":
            raise RuntimeError
        return invite(email, occasion=occasion)

    with monkeypatch.context() as failing:
        failing.setattr(tasks, "invite_registered", fail_for_bob)
        run_due("notify-seller")
    assert [sent.to for sent in mail.outbox] == [["ann@shop.example"]]
    assert list(Job.objects.order_by("pk").values_list("state", flat=True)) == ["completed", "scheduled"]
    run_after("notify-seller", timedelta(minutes=1))
    assert [sent.to for sent in mail.outbox] == [["ann@shop.example"], ["bob@shop.example"]]
