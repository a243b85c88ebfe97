"""Requests for proposals, proposals and their texts as the API reads and says them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.generation.accepting import is_out_of_date
from catalog.generation.grounding import Claimed
from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from catalog.generation.orders import LANGUAGES, MAX_LANGUAGES, BadOrder, Kind, Length, Order, Tone, make_order
from catalog.generation.remedies import remedy_for
from catalog.generation.requests import MAX_PRODUCTS, Progress
from marketplace.serializers import StrictSerializer


class NewGenerationSerializer(StrictSerializer):
    """What is to be proposed, for which products."""

    products = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=MAX_PRODUCTS, help_text="Their ids."
    )
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=["all", *Kind]),
        min_length=1,
        help_text="all: each of the others; translation among them where languages are given.",
    )
    tone = serializers.ChoiceField(choices=list(Tone), default=Tone.NEUTRAL)
    length = serializers.ChoiceField(choices=list(Length), default=Length.MEDIUM, help_text="Of the description.")
    language = serializers.CharField(
        max_length=2, required=False, allow_blank=True, help_text="To write in, ISO 639-1; the listing's own if empty."
    )
    languages = serializers.ListField(
        child=serializers.ChoiceField(choices=list(LANGUAGES)),
        required=False,
        max_length=MAX_LANGUAGES,
        help_text="To translate into.",
    )

    def order(self) -> Order:
        """Return the order that the fields make.

        Raises:
            ValidationError: they do not go together.
        """
        data = self.validated_data
        try:
            return make_order(data["kinds"], data)
        except BadOrder as error:
            raise serializers.ValidationError(
                {error.field: [serializers.ErrorDetail(str(error), "invalid")]}
            ) from error


class GenerationSerializer(serializers.ModelSerializer[GenerationRequest]):
    """A request, and how far it is; `jobs` only where one request is shown."""

    status = serializers.ChoiceField(choices=GenerationRequest.Status.choices, read_only=True)
    jobs = serializers.SerializerMethodField(help_text="Their ids, in the order of the products asked for.")
    progress = serializers.SerializerMethodField()

    class Meta:
        model = GenerationRequest
        fields = ["id", "status", "kinds", "parameters", "progress", "jobs", "created_at", "finished_at"]

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_jobs(self, request: GenerationRequest) -> list[int]:
        """List the jobs."""
        jobs = request.proposals.order_by("pk").values_list("job_id", flat=True)
        return [job for job in jobs if job is not None]

    @extend_schema_field(
        {
            "type": "object",
            "properties": {
                name: {"type": "integer"} for name in ("total", "done", "waiting", "ready", "empty", "failed")
            },
            "required": ["total", "done", "waiting", "ready", "empty", "failed"],
        }
    )
    def get_progress(self, request: GenerationRequest) -> dict[str, int]:
        """Count its products by what became of them."""
        progress: Progress = self.context["progress"][request.pk]
        return {
            "total": progress.total,
            "done": progress.done,
            "waiting": progress.waiting,
            "ready": progress.ready,
            "empty": progress.empty,
            "failed": progress.failed,
        }


class ListedGenerationSerializer(GenerationSerializer):
    """A request in a list."""

    class Meta(GenerationSerializer.Meta):
        fields = ["id", "status", "kinds", "parameters", "progress", "created_at", "finished_at"]


class NoteSerializer(serializers.Serializer[Any]):
    """What a text claims and the listing does not say: the picture may show it; check it before you accept."""

    kind = serializers.ChoiceField(choices=list(Claimed))
    claim = serializers.CharField()


class ProposedTextSerializer(serializers.ModelSerializer[ProposedText]):
    """One proposed text."""

    notes = NoteSerializer(many=True)
    is_out_of_date = serializers.SerializerMethodField(
        help_text="The product says something else by now; the text cannot be accepted any more."
    )

    class Meta:
        model = ProposedText
        fields = [
            "id",
            "field",
            "language",
            "source",
            "text",
            "notes",
            "state",
            "is_out_of_date",
            "accepted_text",
            "decided_by",
            "decided_at",
        ]

    def get_is_out_of_date(self, text: ProposedText) -> bool:
        """Tell whether an open text can no longer be accepted."""
        return text.state == ProposedText.State.OPEN and is_out_of_date(text, text.proposal.product)


class ProposalSerializer(serializers.ModelSerializer[Proposal]):
    """What is proposed for one product."""

    texts = ProposedTextSerializer(many=True)
    remedy = serializers.SerializerMethodField(help_text="What to do, where it failed.")

    class Meta:
        model = Proposal
        fields = ["id", "product", "state", "error_code", "remedy", "model", "is_from_cache", "made_at", "texts"]

    def get_remedy(self, proposal: Proposal) -> str:
        """Say what the seller can do."""
        return remedy_for(proposal.error_code)


class AcceptSerializer(StrictSerializer):
    """How a text is accepted."""

    text = serializers.CharField(
        required=False, max_length=20_000, trim_whitespace=True, help_text="Your own version of it, if you changed it."
    )


class AcceptedSerializer(serializers.Serializer[Any]):
    """What became of the open texts of a request."""

    accepted = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Out of date, or with notes: look at each.")
