"""What sellers are told, in the admin."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link
from marketplace.notifications.models import Mail, Notification
from marketplace.notifications.wording import words_of

MAIL_LABELS = {Mail.State.WAITING: "info", Mail.State.SENT: "success", Mail.State.GIVEN_UP: "danger"}


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Messages to sellers, as they read them."""

    list_display = ["title", "seller_link", "kind", "count", "mail_mode", "created_at", "read_at"]
    list_filter = ["kind", "mail_mode"]
    list_select_related = ["seller"]
    search_fields = ["seller__name", "kind"]
    fieldsets = [
        (None, {"fields": ["title", "sentence", "seller_link", "kind", "count", "mail_mode", "mail_link"]}),
        ("What it is about", {"fields": ["reasons", "examples", "facts"]}),
        ("Times", {"fields": ["created_at", "read_at"]}),
    ]
    readonly_fields = ["title", "sentence", "seller_link", "mail_link"]

    @display(description="message")
    def title(self, notification: Notification) -> str:
        """Show what the seller reads first."""
        return words_of(notification).title

    @display(description="text")
    def sentence(self, notification: Notification) -> str:
        """Show what the seller reads below."""
        return words_of(notification).sentence

    @display(description="seller", ordering="seller")
    def seller_link(self, notification: Notification) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", notification.seller_id, notification.seller)

    @display(description="mail")
    def mail_link(self, notification: Notification) -> SafeString | str:
        """Link to the mail that carried it."""
        return "-" if notification.mail is None else link("admin:marketplace_mail_change", notification.mail.pk, "mail")


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Mails to sellers, and what became of them."""

    list_display = ["to", "seller_link", "state_label", "digest_on", "error_code", "created_at", "sent_at"]
    list_filter = ["state"]
    list_select_related = ["seller"]
    search_fields = ["to", "seller__name"]
    fieldsets = [
        (None, {"fields": ["to", "seller_link", "state_label", "digest_on", "error_code", "error_message"]}),
        ("Times", {"fields": ["created_at", "sent_at"]}),
    ]
    readonly_fields = ["seller_link", "state_label"]

    @display(description="seller", ordering="seller")
    def seller_link(self, mail: Mail) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", mail.seller_id, mail.seller)

    @display(description="state", ordering="state")
    def state_label(self, mail: Mail) -> SafeString:
        """Show the state."""
        return label(mail.get_state_display(), MAIL_LABELS[Mail.State(mail.state)])
