"""What sellers are told: the outbox, the notifications made of it, and their mail."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from marketplace.notifications.kinds import Kind, MailMode


def _options(names: type[Kind] | type[MailMode]) -> list[tuple[str, str]]:
    return [(str(name), str(name)) for name in names]


class Notification(models.Model):
    """One message to a seller, made of what happened of its kind within a minute or while a sync ran."""

    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    count = models.PositiveIntegerField(default=0, help_text="Subjects; each counts once.")
    examples = models.JSONField(default=list, encoder=DjangoJSONEncoder, help_text="The first of the subjects.")
    reasons = models.JSONField(default=list, help_text="[{code, message, remedy, count}], the most frequent first.")
    facts = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What the last of what happened said beside its subjects."
    )
    mail_mode = models.CharField(max_length=10, choices=_options(MailMode), default=MailMode.OFF)
    mail = models.ForeignKey(
        "marketplace.Mail", on_delete=models.SET_NULL, null=True, blank=True, related_name="notifications"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["seller", "-id"], name="notification_newest"),
            models.Index(fields=["seller"], name="notification_unread", condition=Q(read_at=None)),
            models.Index(
                fields=["seller"], name="notification_for_digest", condition=Q(mail=None, mail_mode=MailMode.DIGEST)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.seller_id}"


class OutboxEntry(models.Model):
    """Something that a seller is to be told, written in the transaction that makes it true."""

    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    subjects = models.JSONField(default=list, encoder=DjangoJSONEncoder, help_text="What it is about, one object each.")
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    told_at = models.DateTimeField(auto_now_add=True)
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, null=True, blank=True, related_name="entries"
    )

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "outbox entries"
        indexes = [
            models.Index(fields=["seller", "kind", "id"], name="outbox_open", condition=Q(notification=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.seller_id}"


class MailPreference(models.Model):
    """When a seller wants a kind mailed, where that is not the usual."""

    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="mail_preferences")
    kind = models.CharField(max_length=40)
    mode = models.CharField(max_length=10, choices=_options(MailMode))

    class Meta:
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["seller", "kind"], name="mail_preference_once_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.mode}"


class Mail(models.Model):
    """One e-mail to a seller: of one notification, or of a day's."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        GIVEN_UP = "given_up", "given up"

    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="mails")
    to = models.EmailField()
    digest_on = models.DateField(null=True, blank=True, help_text="The day whose digest it is; empty: of one kind.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "digest_on"], name="one_digest_a_day"),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk}"
