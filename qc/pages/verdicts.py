"""Verdicts in the admin: what was decided, by whom and of what, and the history of their products."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, list_link
from qc.models import Verdict
from qc.pages.differences import changes_between, in_order, text_of
from qc.pages.guarding import PERMISSION
from qc.reviewer.alarm import ReviewerAlarm
from qc.rules.ruleset import BY_CODE
from qc.staff_reasons import OWN_WORDS, STAFF_REASONS

DECISION_LABELS = {"approved": "success", "rejected": "danger", "flagged": "warning"}
MAX_HISTORY = 20


class CodeFilter(admin.SimpleListFilter):
    """Filters by the code of a reason."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the codes of the rules, and staff's own."""
        return [(code, code) for code in sorted([*BY_CODE, *(it.code for it in STAFF_REASONS), OWN_WORDS])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Verdict]) -> QuerySet[Verdict]:
        """Keep the verdicts with the chosen reason."""
        return queryset.filter(reasons__contains=[{"code": self.value()}]) if self.value() else queryset


@admin.register(Verdict)
class VerdictAdmin(ReviewerAlarm, ReadOnlyAdmin):
    """What quality control and staff decided; read only, since the record is what it was."""

    list_display = ["id", "decision_label", "product_link", "codes", "who", "rule_version", "made_at"]
    list_filter = ["decision", "is_automatic", CodeFilter]
    list_select_related = ["product", "made_by"]
    search_fields = ["product__title"]
    search_help_text = "Part of the product's title, or its id"
    actions_detail = ["judge"]
    fieldsets = [
        (None, {"fields": ["decision_label", "product_link", "who", "made_at", "reason_list", "note"]}),
        ("Made with", {"fields": ["rule_version", "model", "prompt_version", "overrides_link", "undo_links"]}),
        ("What the seller said", {"fields": ["content_table"]}),
        ("History of the product", {"fields": ["history"]}),
        ("Engine room", {"fields": ["input_hash", "content_hash"], "classes": ["collapse"]}),
    ]
    readonly_fields = [
        "decision_label",
        "product_link",
        "who",
        "reason_list",
        "overrides_link",
        "undo_links",
        "content_table",
        "history",
    ]

    def has_review_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those judge products who may."""
        return request.user.has_perm(PERMISSION)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Verdict], search_term: str
    ) -> tuple[QuerySet[Verdict], bool]:
        """Find by the product's id, or by its title."""
        term = search_term.strip()
        if term.isdecimal() and len(term) <= 18:
            return queryset.filter(product=int(term)), False
        return (queryset.filter(product__title__icontains=term) if term else queryset), False

    @action(description="Judge the product…", permissions=["review"], url_path="judge", icon="gavel")
    def judge(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Go to the page on which staff judges the product."""
        product_id = Verdict.objects.values_list("product", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("admin-review-product", args=[product_id]))

    @display(description="decision", ordering="decision")
    def decision_label(self, verdict: Verdict) -> SafeString:
        """Show the decision."""
        return label(verdict.decision, DECISION_LABELS[verdict.decision])

    @display(description="product", ordering="product__title")
    def product_link(self, verdict: Verdict) -> SafeString:
        """Link to the product."""
        return link("admin:marketplace_product_change", verdict.product_id, str(verdict.product)[:80])

    @display(description="reasons")
    def codes(self, verdict: Verdict) -> str:
        """List the codes of the reasons."""
        return ", ".join(reason["code"] for reason in verdict.reasons) or "-"

    @display(description="made by", ordering="made_by")
    def who(self, verdict: Verdict) -> str:
        """Name who decided."""
        return who_made(verdict)

    @display(description="reasons")
    def reason_list(self, verdict: Verdict) -> SafeString | str:
        """Show each reason with what it does, where, and its remedy."""
        if not verdict.reasons:
            return "-"
        names = ("code", "severity", "field", "message", "remedy")
        rows = [tuple(reason.get(name, "") for name in names) for reason in verdict.reasons]
        entries = format_html_join("", "<li><code>{}</code> {} {}<br>{}<br><em>{}</em></li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', entries)

    @display(description="instead of")
    def overrides_link(self, verdict: Verdict) -> SafeString | str:
        """Link to the automatic verdict that staff looked at."""
        if verdict.overrides is None:
            return "-"
        return link("admin:qc_verdict_change", verdict.overrides.pk, f"verdict {verdict.overrides.pk}")

    @display(description="taken back")
    def undo_links(self, verdict: Verdict) -> SafeString | str:
        """Link to the verdict that it takes back, or that took it back."""
        undone_by = Verdict.objects.filter(undoes=verdict).first()
        told = [("takes back", verdict.undoes), ("taken back by", undone_by)]
        rows = [(verb, link("admin:qc_verdict_change", it.pk, f"verdict {it.pk}")) for verb, it in told if it]
        return format_html_join(", ", "{} {}", rows) if rows else "-"

    @display(description="content")
    def content_table(self, verdict: Verdict) -> SafeString | str:
        """Show what the seller said when it was judged."""
        content = verdict.content
        rows = [(name.replace("_", " "), text_of(content[name])) for name in in_order(content) if content[name]]
        if not rows:
            return "-"
        return format_html(
            '<dl class="souk-content">{}</dl>',
            format_html_join("", '<div><dt>{}</dt><dd dir="auto">{}</dd></div>', rows),
        )

    @display(description="verdicts")
    def history(self, verdict: Verdict) -> SafeString:
        """Show the product's verdicts, newest first, each with what the seller had changed since the one before."""
        found = list(Verdict.objects.filter(product=verdict.product_id).select_related("made_by")[: MAX_HISTORY + 1])
        entries = [
            {
                "verdict": it,
                "label": label(it.decision, DECISION_LABELS[it.decision]),
                "who": who_made(it),
                "codes": ", ".join(reason["code"] for reason in it.reasons),
                "is_this": it.pk == verdict.pk,
                "changes": changes_between(before.content, it.content) if before and before.content else [],
            }
            for it, before in zip(found, [*found[1:], None], strict=True)
        ]
        more = len(found) > MAX_HISTORY
        query = f"product__id__exact={verdict.product_id}"
        context = {
            "entries": entries[:MAX_HISTORY],
            "all": list_link("admin:qc_verdict_changelist", query, "all of them") if more else "",
        }
        return render_to_string("qc/history.html", context)


def who_made(verdict: Verdict) -> str:
    """Name who made a verdict: a member of staff, or quality control with the model that it asked."""
    if not verdict.is_automatic:
        return str(verdict.made_by or "somebody who left")
    machine = f"rules and {verdict.model}" if verdict.model else "rules"
    return f"{machine}, brought back by {verdict.made_by}" if verdict.made_by else machine
