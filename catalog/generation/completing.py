"""The end of a request: what was never made has failed, and the seller is told what is ready."""

from collections.abc import Sequence

from django.utils import timezone

from catalog.generation.models import GenerationRequest, Proposal
from catalog.generation.requests import progress_of
from marketplace.notifications.telling import Kind, tell

CANCELLED = "generation.cancelled"
State = Proposal.State


def finish_requests(request_ids: Sequence[str]) -> None:
    """End requests, in the caller's transaction; one that has ended stays as it is."""
    open_requests = GenerationRequest.objects.filter(pk__in=request_ids, finished_at=None).order_by("pk")
    for request in open_requests.select_for_update():
        Proposal.objects.filter(request=request, state=State.WAITING).update(
            state=State.FAILED, error_code=CANCELLED, error_message="The work was cancelled."
        )
        request.finished_at = timezone.now()
        request.save(update_fields=["finished_at"])
        _tell(request)


def _tell(request: GenerationRequest) -> None:
    ready = Proposal.objects.filter(request=request, state=State.READY).select_related("product").order_by("pk")
    named = [{"product": it.product_id, "title": str(it.product), "proposal": it.pk} for it in ready]
    progress = progress_of([request])[request.pk]
    if not progress.ready:  # its page says why
        return
    facts = {"generation": str(request.pk), "ready": progress.ready, "empty": progress.empty, "failed": progress.failed}
    tell(Kind.PROPOSALS_READY, seller_id=request.seller_id, subjects=named, facts=facts)
