"""Webhooks over the API: made, changed, tried, delivered again; refused where they may not go."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import MailPreference, Notification
from marketplace.notifications.telling import tell
from marketplace.webhooks.models import WebhookEndpoint
from tests.fakes.receiver import Answer, Receiver
from tests.marketplace.queues import run_after, run_due
from tests.marketplace.webhooks.conftest import Hook

pytestmark = pytest.mark.django_db


def test_the_secret_is_shown_when_it_is_made_and_not_after(api: APIClient) -> None:
    made = api.post("/api/webhooks/", {"address": "https://shop.example/hook", "kinds": ["sync.finished"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made["Cache-Control"] == "no-store"
    shown = api.get(made["Location"])
    assert "secret" not in shown.json()
    assert shown.json()["kinds"] == ["sync.finished"]
    assert [it["id"] for it in api.get("/api/webhooks/").json()] == [made.json()["id"]]
    rotated = api.post(f"{made['Location']}rotate/").json()
    assert rotated["secret"] not in ("", made.json()["secret"])
    assert rotated["previous_until"] is not None
    again = api.post(f"{made['Location']}rotate/")
    assert (again.status_code, again.json()["code"]) == (409, "webhook.still_rotating")


@pytest.mark.parametrize(
    "address",
    ["http://shop.example/", "https://127.0.0.1/", "https://shop.example:8080/", "ftp://a.example/", "nonsense", ""],
)
def test_an_address_that_may_not_take_them_is_refused_with_what_to_do(api: APIClient, address: str) -> None:
    refused = api.post("/api/webhooks/", {"address": address})
    assert refused.status_code == 400
    assert [it["field"] for it in refused.json()["errors"]] == ["address"]
    assert not WebhookEndpoint.objects.exists()


def test_there_are_ten_at_most(api: APIClient) -> None:
    for number in range(10):
        assert api.post("/api/webhooks/", {"address": f"https://shop.example/{number}"}).status_code == 201
    refused = api.post("/api/webhooks/", {"address": "https://shop.example/x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook.too_many")


def test_without_a_key_to_encrypt_with_none_is_made_or_changed(api: APIClient, settings: Any) -> None:
    made = api.post("/api/webhooks/", {"address": "https://shop.example/"})
    settings.JOB_ENCRYPTION_KEYS = []
    for refused in (
        api.post("/api/webhooks/", {"address": "https://shop.example/"}),
        api.post(f"{made['Location']}rotate/"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (503, "webhook.no_encryption_key")


def test_a_webhook_is_tried_and_its_log_shows_how_it_went(hook: Hook, receiver: Receiver, api: APIClient) -> None:
    endpoint, _ = hook()
    receiver.next = [Answer(418, body="I am a teapot ☕".encode())]
    started = api.post(f"/api/webhooks/{endpoint.pk}/test/")
    assert started.status_code == 202
    run_due("deliver-webhook")
    shown = api.get(started["Location"]).json()
    assert (shown["state"], shown["kind"], shown["body"]["type"]) == ("failed", "webhook.test", "webhook.test")
    (attempt,) = shown["attempts"]
    assert (attempt["status_code"], attempt["answer"]) == (418, "I am a teapot ☕")
    assert [it["id"] for it in api.get(f"/api/webhooks/{endpoint.pk}/deliveries/").json()["results"]] == [shown["id"]]
    again = api.post(f"{started['Location']}redeliver/")
    assert again.status_code == 202
    run_due("deliver-webhook")
    assert api.get(started["Location"]).json()["state"] == "delivered"
    since = (timezone.now() - timedelta(days=1)).isoformat()
    answer = api.post(f"/api/webhooks/{endpoint.pk}/redeliver/", {"since": since})
    assert (answer.status_code, answer.json()) == (202, {"redelivered": 0})


def test_it_is_changed_switched_and_deleted(hook: Hook, api: APIClient) -> None:
    endpoint, _ = hook()
    path = f"/api/webhooks/{endpoint.pk}/"
    changed = api.patch(path, {"is_active": False, "kinds": ["sync.failed"]}).json()
    assert (changed["is_active"], changed["off_why"], changed["kinds"]) == (False, "seller", ["sync.failed"])
    assert api.patch(path, {"is_active": True}).json()["off_why"] == ""
    assert api.patch(path, {"address": "http://10.0.0.1/"}).status_code == 400
    assert api.patch(path, {"kinds": ["no.such"]}).status_code == 400
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_notifications_are_listed_read_and_shown_whole(api: APIClient, seller: Seller) -> None:
    lamps = [{"product": it, "title": f"Lamp {it}", "reason": "price.missing", "message": "No."} for it in range(25)]
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps)
    tell(Kind.SYNC_FAILED, seller_id=seller.pk, facts={"sync": 7})
    run_after("notify-seller", timedelta(minutes=1))
    listed = api.get("/api/notifications/?kind=products.rejected").json()["results"]
    (rejected,) = listed
    assert (rejected["title"], rejected["count"], len(rejected["examples"])) == ("25 products were rejected", 25, 10)
    whole = api.get(f"/api/notifications/{rejected['id']}/").json()
    assert (len(whole["subjects"]), whole["next_offset"]) == (25, None)
    part = api.get(f"/api/notifications/{rejected['id']}/?limit=10&offset=10").json()
    assert ([it["product"] for it in part["subjects"]], part["next_offset"]) == (list(range(10, 20)), 20)
    assert api.get(f"/api/notifications/{rejected['id']}/?limit=0").status_code == 400
    answer = api.post("/api/notifications/read/", {"ids": [rejected["id"]]})
    assert answer.json() == {"marked": 1, "unread": 1}
    assert [it["kind"] for it in api.get("/api/notifications/?unread=true").json()["results"]] == ["sync.failed"]
    assert api.post("/api/notifications/read/", {}).status_code == 400
    assert api.post("/api/notifications/read/", {"up_to": 10**9}).json() == {"marked": 1, "unread": 0}
    assert Notification.objects.filter(read_at=None).count() == 0


def test_what_is_mailed_is_set_by_kind(api: APIClient, seller: Seller) -> None:
    assert api.get("/api/notifications/mail/").json()["mail"]["sync.finished"] == "digest"
    changed = api.patch("/api/notifications/mail/", {"mail": {"sync.finished": "off"}})
    assert changed.json()["mail"]["sync.finished"] == "off"
    assert list(MailPreference.objects.values_list("kind", "mode")) == [("sync.finished", "off")]
    assert api.patch("/api/notifications/mail/", {"mail": {"no.such": "off"}}).status_code == 400
    assert api.patch("/api/notifications/mail/", {"mail": {"sync.finished": "loud"}}).status_code == 400
