"""What the API reads and writes about notifications."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.links import absolute
from marketplace.notifications.kinds import Kind, MailMode
from marketplace.notifications.models import Notification
from marketplace.notifications.reading import subjects_told
from marketplace.notifications.wording import words_of
from marketplace.serializers import StrictSerializer

KINDS = [(str(kind), kind.name.lower().replace("_", " ")) for kind in Kind]
MODES = [(str(mode), str(mode)) for mode in MailMode]


class CountedReasonSerializer(serializers.Serializer[Any]):
    """A reason that several subjects share."""

    code = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()
    count = serializers.IntegerField()


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One notification: a message of all that happened of its kind."""

    kind = serializers.ChoiceField(choices=KINDS)
    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField(help_text="The page where you act on it.")
    count = serializers.IntegerField(help_text="How many products, appeals … it is about.")
    reasons = CountedReasonSerializer(many=True)
    examples = serializers.ListField(child=serializers.DictField(), help_text="The first ten of what it is about.")
    facts = serializers.DictField(help_text="Figures and ids, by kind.")

    class Meta:
        model = Notification
        fields = [
            "id", "kind", "title", "text", "url", "count", "reasons", "examples", "facts", "created_at", "read_at",
        ]  # fmt: skip

    def get_title(self, notification: Notification) -> str:
        """Say what happened."""
        return words_of(notification).title

    def get_text(self, notification: Notification) -> str:
        """Say what follows from it."""
        return words_of(notification).sentence

    def get_url(self, notification: Notification) -> str:
        """Name the page where the seller acts on it."""
        return absolute(words_of(notification).path)


class SubjectsFilterSerializer(StrictSerializer):
    """Which of a notification's subjects are shown."""

    limit = serializers.IntegerField(required=False, default=1000, min_value=1, max_value=1000)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=10**9, help_text="From 0.")


class WholeNotificationSerializer(NotificationSerializer):
    """A notification with what it is about: `count` subjects in all, of which the query names some."""

    subjects = serializers.SerializerMethodField()
    next_offset = serializers.SerializerMethodField(help_text="Where the next subjects begin; null: there are no more.")

    class Meta(NotificationSerializer.Meta):
        fields = [*NotificationSerializer.Meta.fields, "subjects", "next_offset"]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_subjects(self, notification: Notification) -> list[dict[str, Any]]:
        """Return the subjects that were asked for."""
        return subjects_told(notification, **self.context["subjects"])

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_next_offset(self, notification: Notification) -> int | None:
        """Return how many subjects come before the next that were not shown."""
        end = self.context["subjects"]["offset"] + self.context["subjects"]["limit"]
        return end if end < notification.count else None


class NotificationFilterSerializer(StrictSerializer):
    """Which notifications are listed."""

    unread = serializers.BooleanField(required=False, default=False, help_text="Only those that were not read.")
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, help_text="On a page; 50 by default.")
    cursor = serializers.CharField(required=False, help_text="Of the page, as the page before names it.")


class ReadSerializer(StrictSerializer):
    """Which notifications were read: those named, or all up to an id."""

    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=1000)
    up_to = serializers.IntegerField(min_value=1, required=False, help_text="This one and all older ones.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Give either ids or up_to.", code="either")
        return attrs


class ReadAnswerSerializer(serializers.Serializer[Any]):
    """How many changed, and how many are left."""

    marked = serializers.IntegerField()
    unread = serializers.IntegerField(help_text="Up to 100.")


class MailModesSerializer(StrictSerializer):
    """When each kind is mailed: off, instant, or digest (one mail a day)."""

    mail = serializers.DictField(child=serializers.ChoiceField(choices=MODES), help_text="By kind.")

    def validate_mail(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse kinds that there are not."""
        unknown = sorted(set(value) - set(Kind))
        if unknown:
            raise serializers.ValidationError(
                f"There is no kind {unknown[0]!r}; there are {', '.join(Kind)}.", code="unknown_kind"
            )
        return value
