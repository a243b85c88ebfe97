"""The addresses of the API of webhooks, under `/api/webhooks/`."""

from marketplace.routes import api_paths
from marketplace.webhooks.api import (
    DeliveriesView,
    DeliveryView,
    RedeliverFailedView,
    RedeliverView,
    RotateSecretView,
    TryWebhookView,
    WebhooksView,
    WebhookView,
)

_ONE = "webhooks/<int:endpoint_id>/"
_DELIVERY = f"{_ONE}deliveries/<int:delivery_id>/"

webhook_urls = [
    *api_paths("webhooks/", WebhooksView.as_view(), name="webhooks"),
    *api_paths(_ONE, WebhookView.as_view(), name="webhook"),
    *api_paths(f"{_ONE}rotate/", RotateSecretView.as_view(), name="webhook-rotate"),
    *api_paths(f"{_ONE}test/", TryWebhookView.as_view(), name="webhook-test"),
    *api_paths(f"{_ONE}redeliver/", RedeliverFailedView.as_view(), name="webhook-redeliver-failed"),
    *api_paths(f"{_ONE}deliveries/", DeliveriesView.as_view(), name="webhook-deliveries"),
    *api_paths(_DELIVERY, DeliveryView.as_view(), name="webhook-delivery"),
    *api_paths(f"{_DELIVERY}redeliver/", RedeliverView.as_view(), name="webhook-redeliver"),
]
