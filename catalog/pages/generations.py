"""Requests for proposals, and what was proposed, in the admin; only sellers decide on texts."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.generation.models import GenerationRequest, Proposal
from catalog.generation.requests import Progress, progress_of
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import link, list_link, pretty_json

LABELS = {"waiting": "info", "ready": "success", "empty": None, "failed": "danger"}


@admin.register(GenerationRequest)
class GenerationRequestAdmin(ReadOnlyAdmin):
    """Who asked for what, and how far it is."""

    list_display = [
        "id",
        "seller_link",
        "kind_list",
        "progress",
        "trigger",
        "requested_by",
        "created_at",
        "finished_at",
    ]
    list_filter = ["trigger", ("finished_at", admin.EmptyFieldListFilter)]
    list_select_related = ["seller"]
    search_fields = ["=id", "seller__name"]
    search_help_text = "Id, or name of the seller"
    fieldsets = [
        (None, {"fields": ["id", "seller_link", "progress", "proposal_link", "job_link"]}),
        ("Asked for", {"fields": ["kind_list", "parameter_list", "trigger", "requested_by"]}),
        ("Times", {"fields": ["created_at", "finished_at"]}),
    ]
    readonly_fields = ["seller_link", "progress", "proposal_link", "job_link", "kind_list", "parameter_list"]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Count the products of all that the page lists at once."""
        listed: ChangeList = super().get_changelist_instance(request)
        rows = list(listed.result_list)
        counted = progress_of(rows)
        for row in rows:
            row.counted = counted[row.pk]
        return listed

    @display(description="seller", ordering="seller")
    def seller_link(self, request: GenerationRequest) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", request.seller_id, request.seller)

    @display(description="kinds")
    def kind_list(self, request: GenerationRequest) -> str:
        """Name what was asked for."""
        return ", ".join(request.kinds)

    @display(description="parameters")
    def parameter_list(self, request: GenerationRequest) -> SafeString | str:
        """Show how it was to be written."""
        return pretty_json(request.parameters)

    @display(description="progress")
    def progress(self, request: GenerationRequest) -> str:
        """Count its products."""
        it: Progress = getattr(request, "counted", None) or progress_of([request])[request.pk]
        return f"{it.done} of {it.total} ({it.ready} ready, {it.empty} unchanged, {it.failed} failed)"

    @display(description="proposals")
    def proposal_link(self, request: GenerationRequest) -> SafeString:
        """Link to its proposals."""
        return list_link("admin:catalog_proposal_changelist", f"request__id__exact={request.pk}", "all proposals")

    @display(description="jobs")
    def job_link(self, request: GenerationRequest) -> SafeString:
        """Link to its jobs."""
        return list_link("admin:jobs_job_changelist", f"q={request.group}", f"jobs of {request.group}")


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    """What was proposed for a product, what it cost, and what the seller made of it."""

    list_display = ["id", "product_link", "state_label", "texts", "model", "tokens", "is_from_cache", "made_at"]
    list_filter = ["state", "is_from_cache"]
    list_select_related = ["product", "request"]
    search_fields = ["product__title", "=request__id"]
    search_help_text = "Title of the product, or id of the request"
    fieldsets = [
        (None, {"fields": ["request_link", "product_link", "state_label", "text_list", "error_code", "error_message"]}),
        (
            "Engine room",
            {"fields": ["model", "prompt_version", "tokens", "is_from_cache", "input_hash", "answer_text"]},
        ),
        ("Times", {"fields": ["created_at", "made_at"]}),
    ]
    readonly_fields = ["request_link", "product_link", "state_label", "text_list", "tokens", "answer_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        """Read the texts with them."""
        rows: QuerySet[Proposal] = super().get_queryset(request)
        return rows.prefetch_related("texts")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow the link from a request."""
        return lookup == "request__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    @display(description="product", ordering="product")
    def product_link(self, proposal: Proposal) -> SafeString:
        """Link to the product."""
        return link("admin:marketplace_product_change", proposal.product_id, proposal.product)

    @display(description="request")
    def request_link(self, proposal: Proposal) -> SafeString:
        """Link to the request."""
        return link("admin:catalog_generationrequest_change", proposal.request_id, proposal.request)

    @display(description="state", ordering="state", label=LABELS)
    def state_label(self, proposal: Proposal) -> tuple[str, str]:
        """Show the state."""
        return proposal.state, proposal.get_state_display()

    @display(description="texts")
    def texts(self, proposal: Proposal) -> str:
        """Name the texts, and what became of each."""
        return ", ".join(f"{text} {text.state}" for text in proposal.texts.all()) or "-"

    @display(description="tokens")
    def tokens(self, proposal: Proposal) -> str:
        """Count what it cost."""
        return f"{proposal.prompt_tokens} in, {proposal.answer_tokens} out"

    @display(description="texts")
    def text_list(self, proposal: Proposal) -> SafeString | str:
        """Show each text with what it claims beyond the listing."""
        rows = [
            (str(text), text.state, text.accepted_text or text.text, ", ".join(note["claim"] for note in text.notes))
            for text in proposal.texts.all()
        ]
        if not rows:
            return "-"
        lines = format_html_join("", "<li><code>{} {}</code> {}<br><em>{}</em></li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', lines)

    @display(description="answer")
    def answer_text(self, proposal: Proposal) -> SafeString | str:
        """Show what the model said."""
        return pretty_json(proposal.answer)
