"""The seller's pages of proposals: ask for them, see how far they are, take or refuse each text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.generation.accepting import (
    NotAccepted,
    NotOpen,
    OutOfDate,
    accept_text,
    accept_texts,
    is_out_of_date,
    refuse_text,
    texts_of,
    undo_text,
)
from catalog.generation.edits import UnusableText, text_of
from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from catalog.generation.orders import LANGUAGES
from catalog.generation.remedies import remedy_for
from catalog.generation.requests import progress_of
from catalog.pages.presentation import Rendition, rendition
from catalog.pictures import THUMBNAIL_SIDE_PX
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.comparing import Piece, compare_words
from marketplace.models import Picture, Product

PAGE_SIZE = 25
SHOWN_REQUESTS = 5
NAMES = {"title": "Title", "description": "Description", "attributes": "Attributes"}
State = ProposedText.State
# Icon and words: neither is left to the colour.
STATES = {
    State.OPEN: ("question", "to decide"),
    State.ACCEPTED: ("check", "accepted"),
    State.REFUSED: ("cross", "refused"),
    State.UNDONE: ("previous", "undone"),
}


@dataclass(frozen=True, slots=True)
class ShownText:
    """One text as a page shows it: what it is, what it takes the place of, and what to look at."""

    text: ProposedText
    name: str
    language: str  # of what was written, for browsers; "" where it is the listing's own
    icon: str
    state: str
    is_open: bool
    is_out_of_date: bool
    present: str
    catalog_now: str  # what the catalog says under an accepted text, where that has changed since
    before: str  # what it is compared with
    written: str
    claims: Sequence[str]

    @property
    def pieces(self) -> Sequence[Piece]:
        """The way to it from what stood before, word by word; long texts take a while, so only who shows it asks."""
        return compare_words(self.before, self.written)


@dataclass(frozen=True, slots=True)
class Row:
    """One product of the list, with what is proposed for it."""

    proposal: Proposal
    title: str
    thumbnail: Rendition | None
    texts: Sequence[ShownText]
    needs_a_look: bool


@require_safe
@seller_page
def proposals_page(request: SellerRequest) -> HttpResponse:
    """List the products with texts to decide on, or those decided on; newest first."""
    is_decided = request.GET.get("show") == "decided"
    states = [State.ACCEPTED, State.REFUSED, State.UNDONE] if is_decided else [State.OPEN]
    proposals = _proposals(request.seller.pk, states)
    if (before := request.GET.get("before", "")).isdecimal():
        proposals = proposals.filter(pk__lt=int(before[:18]))
    found = list(proposals[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    context = {
        "rows": [row_of(proposal, states) for proposal in shown],
        "is_decided": is_decided,
        "older": shown[-1].pk if len(found) > PAGE_SIZE else None,
        "requests": _recent_requests(request.seller.pk),
    }
    return render(request, "catalog/proposals/list.html", context)


@require_safe
@seller_page
def proposal_page(request: SellerRequest, proposal_id: int) -> HttpResponse:
    """Show what is proposed for one product, text by text, against what it says now."""
    proposal = get_object_or_404(_with_parts(Proposal.objects.filter(request__seller=request.seller)), pk=proposal_id)
    following = _proposals(request.seller.pk, [State.OPEN]).filter(pk__lt=proposal.pk).first()
    context = {
        "proposal": proposal,
        "row": row_of(proposal, list(State)),
        "following": following,
        "remedy": remedy_for(proposal.error_code),
    }
    return render(request, "catalog/proposals/detail.html", context)


@require_POST
@seller_page
def decide_page(request: SellerRequest, text_id: int) -> HttpResponse:
    """Accept, refuse or undo one text, then show its proposal again at the next open text."""
    text = get_object_or_404(texts_of(request.seller.pk), pk=text_id)
    name = name_of(text)
    try:
        match request.POST.get("decision"):
            case "accept":
                written = "\n".join(request.POST.get("text", text.text).splitlines()).strip()
                changed_to = None if written == text.text else written
                accept_text(text_id, actor=request.actor, changed_to=changed_to)
                messages.success(request, f"{name}: accepted. The product is being checked anew.")
            case "refuse":
                refuse_text(text_id, actor=request.actor)
                messages.info(request, f"{name}: refused. The product stays as it is.")
            case "undo":
                undo_text(text_id, actor=request.actor)
                messages.success(request, f"{name}: undone. Your catalog's own text stands again.")
            case _:
                messages.error(request, "Choose what to do with the text.")
    except (NotOpen, NotAccepted, OutOfDate, UnusableText) as error:
        messages.error(request, f"{name}: {error}")
        return redirect(f"{reverse('seller-proposal', args=[text.proposal_id])}#text-{text_id}")
    following = text.proposal.texts.filter(state=State.OPEN).order_by("pk").first()
    place = f"#text-{following.pk}" if following else ""
    return redirect(f"{reverse('seller-proposal', args=[text.proposal_id])}{place}")


@require_POST
@seller_page
def accept_chosen_page(request: SellerRequest) -> HttpResponse:
    """Accept all open texts of the chosen products, but those that want a closer look."""
    chosen = [int(pk[:18]) for pk in request.POST.getlist("proposal") if pk.isdecimal()]
    if not chosen:
        messages.error(request, "Tick the products whose texts you accept.")
        return redirect("seller-proposals")
    texts = texts_of(request.seller.pk).filter(proposal__in=chosen, state=State.OPEN)
    accepted, left = accept_texts(texts, actor=request.actor)
    if accepted:
        many = "1 text" if accepted == 1 else f"{accepted} texts"
        messages.success(request, f"{many} accepted. The products are being checked anew.")
    if left:
        many = "1 text is" if left == 1 else f"{left} texts are"
        messages.warning(request, f"{many} left: out of date, or with something to check. Look at each.")
    return redirect("seller-proposals")


@require_safe
@seller_page
def request_page(request: SellerRequest, generation_id: UUID) -> HttpResponse:
    """Show how far a request is; the page looks again by itself while it runs."""
    generation = get_object_or_404(GenerationRequest, pk=generation_id, seller=request.seller)
    failed = generation.proposals.filter(state=Proposal.State.FAILED).select_related("product").order_by("pk")
    context = {
        "generation": generation,
        "progress": progress_of([generation])[generation.pk],
        "failed": [(it.product, remedy_for(it.error_code)) for it in failed[:PAGE_SIZE]],
        "first": _proposals(request.seller.pk, [State.OPEN]).filter(request=generation).last(),
    }
    return render(request, "catalog/proposals/request.html", context)


def _proposals(seller_id: int, states: Sequence[str]) -> QuerySet[Proposal]:
    """Find the seller's proposals with a text in one of these states, newest first, with all that a row shows."""
    in_state = ProposedText.objects.filter(proposal=OuterRef("pk"), state__in=states)
    return _with_parts(Proposal.objects.filter(Exists(in_state), request__seller=seller_id)).order_by("-pk")


def _with_parts(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    pictures = Picture.objects.filter(status=Picture.Status.READY).exclude(display="").order_by("position")
    return proposals.select_related("request", "product").prefetch_related(
        "texts", Prefetch("product__pictures", queryset=pictures)
    )


def row_of(proposal: Proposal, states: Sequence[str]) -> Row:
    """Return a proposal as the list shows it, with its texts that are in one of these states."""
    product = proposal.product
    picture = next(iter(product.pictures.all()), None)
    texts = [shown_text(text, proposal) for text in proposal.texts.all() if text.state in states]
    return Row(
        proposal=proposal,
        title=str(product),
        thumbnail=None if picture is None else rendition(picture, side_px=THUMBNAIL_SIDE_PX),
        texts=texts,
        needs_a_look=any(it.is_open and (it.claims or it.is_out_of_date) for it in texts),
    )


def shown_text(text: ProposedText, proposal: Proposal) -> ShownText:
    """Return a text as a page shows it."""
    text.proposal = proposal  # read already, with its product
    product: Product = proposal.product
    icon, state = STATES[State(text.state)]
    is_open = text.state == State.OPEN
    before = text_of(product, text.field, text.language) if is_open else text.source
    # What is proposed as attributes is added to what is there; what a translation stood for is not its source.
    if text.field == "attributes" or (text.language and not is_open):
        before = ""
    return ShownText(
        text=text,
        name=name_of(text),
        language=text.language or proposal.request.parameters.get("language", ""),
        icon=icon,
        state=state,
        is_open=is_open,
        is_out_of_date=is_open and is_out_of_date(text, product),
        present=text.source if text.language else "",
        catalog_now=_catalog_now(text, product),
        before=before,
        written=text.accepted_text or text.text,
        claims=[note["claim"] for note in text.notes],
    )


def _catalog_now(text: ProposedText, product: Product) -> str:
    if text.state != State.ACCEPTED or text.language or text.field == "attributes":
        return ""
    covered = str(product.unedited.get(text.field, text.source))
    return "" if covered == text.source else covered


def name_of(text: ProposedText) -> str:
    """Return what a text is, in words."""
    name = NAMES[text.field]
    return f"{name} in {LANGUAGES[text.language]}" if text.language else name


def _recent_requests(seller_id: int) -> list[dict[str, Any]]:
    requests = list(GenerationRequest.objects.filter(seller=seller_id)[:SHOWN_REQUESTS])
    progress = progress_of(requests)
    return [{"request": it, "progress": progress[it.pk]} for it in requests]
