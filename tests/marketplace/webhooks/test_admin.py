"""What staff sees of notifications, mails and webhooks; never a secret."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from jobs.models import Audit
from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import Mail, Notification
from marketplace.notifications.telling import tell
from marketplace.webhooks.endpoints import create_endpoint
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.marketplace.factories import make_seller
from tests.marketplace.queues import run_after

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(db: None) -> list[str]:
    """Three sellers who were told of something; returns their secrets."""
    secrets = []
    for number in range(3):
        seller: Seller = make_seller(email=f"shop-{number}@example.com")
        secrets.append(create_endpoint(seller, address="https://10-0-0-1.invalid/hook")[1])
        tell(Kind.SYNC_FAILED, seller_id=seller.pk, facts={"error_message": "It was closed."})
    run_after("notify-seller", timedelta(minutes=1))
    return secrets


@pytest.mark.parametrize("model", ["notification", "mail", "webhookendpoint", "webhookdelivery"])
def test_lists_and_pages_show_and_read_alike_for_any_number(
    model: str, told: list[str], back_office: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        shown = back_office.get(f"/admin/marketplace/{model}/")
    assert shown.status_code == 200
    rows = {"notification": Notification, "mail": Mail, "webhookendpoint": WebhookEndpoint}.get(model, WebhookDelivery)
    assert rows.objects.count() == 3
    page = back_office.get(f"/admin/marketplace/{model}/{rows.objects.first().pk}/change/")
    assert page.status_code == 200
    for secret in told:
        assert secret not in shown.content.decode() + page.content.decode()
    assert "gAAAA" not in page.content.decode()


def test_staff_switches_a_webhook_off_and_on_with_a_reason(told: list[str], back_office: Client) -> None:
    endpoint = WebhookEndpoint.objects.first()
    for verb, state in (("off", "off"), ("on", "active")):
        given = {"action": f"switch_{verb}", "_selected_action": [endpoint.pk]}
        asked = back_office.post("/admin/marketplace/webhookendpoint/", given)
        assert asked.status_code == 200
        back_office.post("/admin/marketplace/webhookendpoint/", given | {"reason": "It floods us."}, follow=True)
        endpoint.refresh_from_db()
        assert endpoint.state == state
    assert list(Audit.objects.order_by("pk").values_list("action", "actor", "reason")) == [
        ("switch webhook off", "ada", "It floods us."),
        ("switch webhook on", "ada", "It floods us."),
    ]
