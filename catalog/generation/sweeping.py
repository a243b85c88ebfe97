"""Requests for proposals that ended long ago are forgotten."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from catalog.generation.models import GenerationRequest, ProposedText
from marketplace.history import delete_in_batches, kept_since


def sweep_generations(*, now: datetime) -> int:
    """Delete requests that ended before what is kept, with their proposals, decided or not; return how many.

    Those with an accepted text stay: it stands on its product, and by them the seller can take it back.
    """
    accepted = ProposedText.objects.filter(proposal__request=OuterRef("pk"), state=ProposedText.State.ACCEPTED)
    return delete_in_batches(GenerationRequest.objects.filter(~Exists(accepted), finished_at__lt=kept_since(now)))
