"""Mail: once, by preference, in a digest, past a mail server that fails, and never to who has unsubscribed."""

import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import DeadLetter, Job
from marketplace.models import Seller
from marketplace.notifications import digests, grouping, mailing, tasks
from marketplace.notifications.digests import write_digests
from marketplace.notifications.errors import MailRefused, MailServerUnavailable, RecipientRefused
from marketplace.notifications.kinds import Kind, MailMode
from marketplace.notifications.models import Mail, Notification
from marketplace.notifications.telling import tell
from marketplace.notifications.unsubscribing import BadLink, mail_modes, opened_link, set_mail_mode, unsubscribe_path
from tests.marketplace.factories import make_seller
from tests.marketplace.queues import run_after, run_due

pytestmark = pytest.mark.django_db
QUEUE = "notify-seller"
MORNING = datetime(2026, 11, 25, 7, 7, tzinfo=UTC)


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller(name="Lamp <House>", email="ada@lamps.example")


def say(kind: Kind, seller: Seller, **fields: Any) -> None:
    tell(kind, seller_id=seller.pk, **fields)
    run_after(QUEUE, timedelta(seconds=60))


def test_what_needs_the_seller_is_mailed_at_once_and_once(seller: Seller) -> None:
    title = "Lamp <b>\r\nBcc: all@example.com"
    say(
        Kind.PRODUCTS_REJECTED,
        seller,
        subjects=[{"product": 1, "title": title, "reason": "price.missing", "message": "No price.", "remedy": "Add."}],
    )
    (message,) = outbox.outbox
    assert (message.subject, message.to) == ("1 product was rejected", ["ada@lamps.example"])
    assert "1 x No price." in message.body
    assert "Lamp <b>" in message.body
    html = message.alternatives[0][0]
    assert "Lamp &lt;b&gt;" in html
    assert "<b>" not in html
    headers = message.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/unsubscribe/")
    sent = Mail.objects.get()
    assert headers["Message-ID"] == f"<mail-{sent.pk}@127.0.0.1>"
    assert (sent.state, sent.sent_at is None) == ("sent", False)
    Job.objects.filter(task="send-mail").update(state="pending", attempt=0, worker=None, finished_at=None)
    run_due(QUEUE)
    assert len(outbox.outbox) == 1


def test_the_headers_are_those_of_a_real_mail(seller: Seller) -> None:
    say(Kind.SYNC_FAILED, seller)
    written = outbox.outbox[0].message().as_string()
    assert written.count("Message-ID: ") == 1
    assert "Auto-Submitted: auto-generated" in written
    assert "multipart/alternative" in written


def test_a_preference_decides(seller: Seller) -> None:
    set_mail_mode(seller.pk, Kind.PRODUCTS_REJECTED, MailMode.OFF)
    set_mail_mode(seller.pk, Kind.SYNC_FINISHED, MailMode.INSTANT)
    say(Kind.PRODUCTS_REJECTED, seller)
    say(Kind.SYNC_FINISHED, seller, facts={"found": 3, "live": 2, "rejected": 1})
    assert [it.subject for it in outbox.outbox] == ["Your catalog was read"]
    assert "3 products found, 2 shown to buyers. Of the others: 1 rejected." in outbox.outbox[0].body


def test_a_digest_is_one_mail_a_day(seller: Seller) -> None:
    other = make_seller(email="bob@lamps.example")
    for one in (seller, other):
        say(Kind.SYNC_FINISHED, one, facts={"found": 3, "live": 3})
    say(Kind.PRODUCTS_FLAGGED, seller, subjects=[{"product": 1, "title": "Lamp"}])
    assert outbox.outbox == []
    Notification.objects.update(created_at=MORNING - timedelta(hours=3))
    assert write_digests(now=MORNING.replace(hour=5)).new == 0
    assert write_digests(now=MORNING).new == 2
    assert write_digests(now=MORNING).new == 0
    run_due(QUEUE)
    assert sorted((it.to[0], it.subject) for it in outbox.outbox) == [
        ("ada@lamps.example", "2 things happened on Souk"),
        ("bob@lamps.example", "Your catalog was read"),
    ]


def test_what_comes_after_the_digest_waits_for_the_next(seller: Seller) -> None:
    say(Kind.SYNC_FINISHED, seller)
    Notification.objects.update(created_at=MORNING - timedelta(hours=3))
    write_digests(now=MORNING)
    say(Kind.SYNC_FINISHED, seller)
    Notification.objects.filter(mail=None).update(created_at=MORNING + timedelta(minutes=5))
    assert write_digests(now=MORNING + timedelta(hours=1)).new == 0
    assert write_digests(now=MORNING + timedelta(days=1)).new == 1
    assert Mail.objects.count() == 2
    assert not Notification.objects.filter(mail=None).exists()


def test_digests_are_written_in_parts_and_a_job_that_follows_goes_on(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    sellers = [seller, *(make_seller(email=f"{number}@lamps.example") for number in range(4))]
    for one in sellers:
        Notification.objects.create(seller=one, kind=Kind.SYNC_FINISHED, mail_mode=MailMode.DIGEST)
    Notification.objects.update(created_at=MORNING - timedelta(hours=3))
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    enqueue(NewJob("send-digests", {}, meta={"due_at": MORNING.isoformat()}))
    run_due(QUEUE)
    assert Mail.objects.filter(digest_on=MORNING.date()).count() == 5
    results = Job.objects.filter(task="send-digests").order_by("pk").values_list("result", flat=True)
    assert [it and it["digests"] for it in results] == [2, 2, 1]


def test_a_part_that_another_run_wrote_is_not_the_last(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    sellers = [seller, *(make_seller(email=f"{number}@lamps.example") for number in range(2))]
    for one in sellers:
        Notification.objects.create(seller=one, kind=Kind.SYNC_FINISHED, mail_mode=MailMode.DIGEST)
    Notification.objects.update(created_at=MORNING - timedelta(hours=3))
    write = digests._write_digest

    def write_second(one: Seller, *, now: datetime) -> bool:
        write(one, now=now)  # another run's
        return write(one, now=now)

    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    monkeypatch.setattr(digests, "_write_digest", write_second)
    enqueue(NewJob("send-digests", {}, meta={"due_at": MORNING.isoformat()}))
    run_due(QUEUE)
    assert Mail.objects.filter(digest_on=MORNING.date()).count() == 3


def test_a_worker_killed_after_a_mail_was_sent_does_not_send_it_twice(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        notification = Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED)
        grouping.mail_instantly(notification, to=seller.email)
    sent: list[str] = []

    def die_at_the_second(message: EmailMultiAlternatives) -> None:
        if len(sent) == 1:
            raise KeyboardInterrupt
        sent.append(message.extra_headers["Message-ID"])

    with monkeypatch.context() as dying:
        dying.setattr(mailing, "send", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            run_due(QUEUE)
    assert list(Mail.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "waiting"]
    Job.objects.filter(task="send-mail").update(state="pending", attempt=0, worker=None)
    run_due(QUEUE)
    assert [it.extra_headers["Message-ID"] for it in outbox.outbox] == [f"<mail-{Mail.objects.first().pk}@127.0.0.1>"]
    assert set(Mail.objects.values_list("state", flat=True)) == {"sent"}


def test_what_cannot_be_noted_at_once_is_noted_with_the_end_of_the_job_and_sends_nothing_more(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        grouping.mail_instantly(Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED), to=seller.email)
    note, refused = mailing.record_sent, [OperationalError("the server is away")]

    def refuse_once(*args: Any, **kwargs: Any) -> None:
        if refused:
            raise refused.pop()
        note(*args, **kwargs)

    monkeypatch.setattr(mailing, "record_sent", refuse_once)
    run_due(QUEUE)
    assert set(Mail.objects.values_list("state", flat=True)) == {"sent"}
    assert len({it.extra_headers["Message-ID"] for it in outbox.outbox}) == len(outbox.outbox) == 3


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ConnectionRefusedError("refused"), MailServerUnavailable),
        (TimeoutError("slow"), MailServerUnavailable),
        (smtplib.SMTPServerDisconnected("gone"), MailServerUnavailable),
        (smtplib.SMTPAuthenticationError(535, b"bad"), MailServerUnavailable),
        (smtplib.SMTPRecipientsRefused({"a@b.example": (450, b"busy")}), MailServerUnavailable),
        (smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"no such user")}), RecipientRefused),
        (smtplib.SMTPDataError(451, b"later"), MailServerUnavailable),
        (smtplib.SMTPDataError(554, b"spam"), MailRefused),
    ],
)
def test_each_failure_of_smtp_has_its_family(
    raised: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    with pytest.raises(expected):
        mailing.send(EmailMultiAlternatives("s", "b", to=["a@b.example"]))


def test_a_mail_server_that_is_away_loses_nothing(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MailServerUnavailable

    with monkeypatch.context() as away:
        away.setattr(mailing, "send", refuse)
        say(Kind.SYNC_FAILED, seller)
        job = Job.objects.get(task="send-mail")
        assert (job.state, job.attempt) == ("scheduled", 1)
        run_after(QUEUE, timedelta(minutes=1))
    run_after(QUEUE, timedelta(hours=1))
    assert [it.subject for it in outbox.outbox] == ["Your catalog could not be read"]
    assert Mail.objects.get().state == "sent"


def test_a_mail_that_bounces_is_told_of_on_the_page(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RecipientRefused("The mail server answers 550 no such user", status_code=550)

    monkeypatch.setattr(mailing, "send", refuse)
    say(Kind.SYNC_FAILED, seller)
    mail = Mail.objects.get()
    assert (mail.state, mail.error_code) == ("given_up", "mail.recipient_refused")
    assert DeadLetter.objects.get().status_code == 550
    assert Notification.objects.count() == 1


def test_one_click_ends_a_kind_without_login_or_token_of_a_form(seller: Seller) -> None:
    say(Kind.PRODUCTS_REJECTED, seller)
    path = outbox.outbox[0].extra_headers["List-Unsubscribe"].strip("<>").partition("8000")[2]
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 200
    assert mail_modes(seller.pk)[Kind.PRODUCTS_REJECTED] == MailMode.INSTANT  # programs look at links by themselves
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert mail_modes(seller.pk)[Kind.PRODUCTS_REJECTED] == MailMode.OFF
    say(Kind.PRODUCTS_REJECTED, seller)
    assert len(outbox.outbox) == 1
    assert Notification.objects.count() == 2


def test_unsubscribing_from_the_digest_ends_all_that_is_in_it(seller: Seller) -> None:
    pending = Notification.objects.create(seller=seller, kind=Kind.SYNC_FINISHED, mail_mode=MailMode.DIGEST)
    Client().post(unsubscribe_path(seller.pk, ""))
    modes = mail_modes(seller.pk)
    assert MailMode.DIGEST not in modes.values()
    assert modes[Kind.SYNC_FAILED] == MailMode.INSTANT
    pending.refresh_from_db()
    assert pending.mail_mode == MailMode.OFF  # nothing comes next morning


@pytest.mark.parametrize("token", ["x", "x:y:z", ""])
def test_a_link_that_was_altered_does_nothing(seller: Seller, token: str) -> None:
    with pytest.raises(BadLink):
        opened_link(token)
    if token:
        assert Client().post(reverse("unsubscribe", args=[token])).status_code == 404
