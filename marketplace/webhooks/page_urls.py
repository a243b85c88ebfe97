"""The sellers' pages of webhooks, below /seller/."""

from django.urls import path

from marketplace.webhooks import pages

urlpatterns = [
    path("webhooks/", pages.webhooks_page, name="seller-webhooks"),
    path("webhooks/<int:endpoint_id>/", pages.webhook_page, name="seller-webhook"),
    path("webhooks/<int:endpoint_id>/secret/", pages.secret_page, name="seller-webhook-secret"),
    path("webhooks/<int:endpoint_id>/rotate/", pages.rotate_page, name="seller-webhook-rotate"),
    path("webhooks/<int:endpoint_id>/switch/", pages.switch_page, name="seller-webhook-switch"),
    path("webhooks/<int:endpoint_id>/test/", pages.test_page, name="seller-webhook-test"),
    path("webhooks/<int:endpoint_id>/delete/", pages.delete_page, name="seller-webhook-delete"),
    path("webhooks/<int:endpoint_id>/redeliver/", pages.redeliver_failed_page, name="seller-webhook-redeliver-failed"),
    path("webhooks/<int:endpoint_id>/<int:delivery_id>/", pages.delivery_page, name="seller-webhook-delivery"),
    path(
        "webhooks/<int:endpoint_id>/<int:delivery_id>/redeliver/", pages.redeliver_page, name="seller-webhook-redeliver"
    ),
]
