"""The sellers' pages of notifications, below /seller/."""

from django.urls import path

from marketplace.notifications import pages

urlpatterns = [
    path("notifications/", pages.notifications_page, name="seller-notifications"),
    path("notifications/read/", pages.read_page, name="seller-notifications-read"),
    path("notifications/mail/", pages.mail_page, name="seller-notification-preferences"),
    path("notifications/<int:notification_id>/", pages.notification_page, name="seller-notification"),
]
