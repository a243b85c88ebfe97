"""Requests for proposals that ended long ago are forgotten."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef

from catalog.generation.models import GenerationRequest, ProposedText
from marketplace.history import delete_in_batches, kept_since, never

REQUESTS_AT_ONCE = 20  # of up to 500 products each


def sweep_generations(*, now: datetime, is_stopping: Callable[[], bool] = never) -> int:
    """Delete requests that ended before what is kept, with their proposals, decided or not; return how many.

    Those with an accepted text stay: it stands on its product, and by them the seller can take it back.
    """
    accepted = ProposedText.objects.filter(proposal__request=OuterRef("pk"), state=ProposedText.State.ACCEPTED)
    ended = GenerationRequest.objects.filter(~Exists(accepted), finished_at__lt=kept_since(now))
    return delete_in_batches(ended, is_stopping=is_stopping, at_once=REQUESTS_AT_ONCE)
