"""Sites and scraping jobs in the admin: what is known of each site, and what was read of it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from catalog.models import ScrapingJob, Site
from catalog.remedies import remedy_for
from catalog.scraping.shown import tree_size
from catalog.scraping_jobs import HasEnded, cancel_scraping
from catalog.scraping_results import raw_result_of, status_now
from jobs.models import Priority
from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, list_link, pretty_json, progress_bar, seconds_text

STATUS_LABELS = {
    ScrapingJob.Status.QUEUED: None,
    ScrapingJob.Status.RUNNING: "info",
    ScrapingJob.Status.COMPLETED: "success",
    ScrapingJob.Status.FAILED: "danger",
    ScrapingJob.Status.CANCELLED: "warning",
}
KEPT = timedelta(days=7)
MAX_SHOWN_CHARS = 100_000
MAX_SHOWN_PRODUCTS = 50


def navigation_html(tree: list[dict[str, Any]]) -> SafeString | str:
    """Show a tree of categories with its counts; the first two levels are open."""
    if not tree:
        return "-"
    shown: SafeString = render_to_string("catalog/navigation.html", {"nodes": tree, "depth": 0})
    return shown


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    """What is known of each shop's site."""

    list_display = ["host", "source_label", "categories", "scraping_count", "freshness", "read_at"]
    list_filter = ["source", "needs_browser"]
    search_fields = ["host"]
    search_help_text = "Part of a host"
    fieldsets = [
        (None, {"fields": ["host", "source_label", "evidence_list", "freshness"]}),
        ("Categories", {"fields": ["navigation_tree"]}),
        ("Manners", {"fields": ["robots_text", "sitemap_list", "needs_browser"]}),
        ("Scraping", {"fields": ["scraping_list"]}),
        ("Engine room", {"fields": ["template_text", "read_at", "expires_at"], "classes": ["collapse"]}),
    ]
    readonly_fields = [
        "source_label",
        "evidence_list",
        "freshness",
        "navigation_tree",
        "robots_text",
        "sitemap_list",
        "scraping_list",
        "template_text",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        """Bring the number of scraping jobs along."""
        sites: QuerySet[Site] = super().get_queryset(request)
        return sites.annotate(scraping=Count("scraping_jobs"))

    @display(description="source", ordering="source")
    def source_label(self, site: Site) -> SafeString | str:
        """Show which source reads it."""
        return label(site.source, "info") if site.source else "not looked at"

    @display(description="categories")
    def categories(self, site: Site) -> str:
        """Count the navigation's categories."""
        return f"{tree_size(site.navigation):,}" if site.navigation else "-"

    @display(description="scraping jobs", ordering="scraping")
    def scraping_count(self, site: Site) -> SafeString:
        """Link to the scraping jobs of the site."""
        query = f"site__id__exact={site.pk}"
        return list_link("admin:catalog_scrapingjob_changelist", query, getattr(site, "scraping", 0))

    @display(description="scraping jobs")
    def scraping_list(self, site: Site) -> SafeString:
        """Link to the scraping jobs of the site."""
        return list_link("admin:catalog_scrapingjob_changelist", f"site__id__exact={site.pk}", "scraping jobs here")

    @display(description="knowledge")
    def freshness(self, site: Site) -> SafeString:
        """Show whether what is known still counts: seven days long."""
        if not site.source:
            return label("nothing yet", None)
        counts_until = site.expires_at or site.read_at + KEPT
        return label("fresh", "success") if counts_until > timezone.now() else label("out of date", "warning")

    @display(description="evidence")
    def evidence_list(self, site: Site) -> SafeString | str:
        """Show why a source believes that it can read it."""
        rows = [(it.get("source", ""), it.get("weight", ""), it.get("reason", "")) for it in site.evidence]
        found = format_html_join("", "<li><code>{}</code> {}: {}</li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', found) if rows else "-"

    @display(description="navigation")
    def navigation_tree(self, site: Site) -> SafeString | str:
        """Show the categories as a tree."""
        return navigation_html(site.navigation)

    @display(description="robots.txt")
    def robots_text(self, site: Site) -> SafeString | str:
        """Show what robots.txt says to us."""
        return pretty_json(site.robots)

    @display(description="sitemaps")
    def sitemap_list(self, site: Site) -> SafeString | str:
        """Show the sitemaps."""
        return pretty_json(site.sitemaps)

    @display(description="templates")
    def template_text(self, site: Site) -> SafeString | str:
        """Show what addresses look like here."""
        return pretty_json(site.templates)


@admin.register(ScrapingJob)
class ScrapingJobAdmin(ReadOnlyAdmin):
    """Scraping jobs with their progress and results."""

    list_display = ["title", "status_label", "target", "seller_link", "progress", "found", "created_at"]
    list_filter = ["status", "scraping_type"]
    list_select_related = ["seller", "site", "sync"]
    search_fields = ["target_url", "seller__name", "=id"]
    search_help_text = "Part of an address or of a seller's name, or a whole id"
    actions_detail = ["cancel"]
    fieldsets = [
        (None, {"fields": ["title", "status_label", "progress", "message", "error_text", "target"]}),
        ("Result", {"fields": ["summary_text", "category_tree", "product_list", "result_text"]}),
        ("Links", {"fields": ["seller_link", "site_link", "sync_link", "job_link", "catalog_links"]}),
        ("Order", {"fields": ["parameter_text", "priority_name"]}),
        ("Times", {"fields": ["created_at", "finished_at", "duration", "expires_at"]}),
    ]
    readonly_fields = [
        "title",
        "status_label",
        "target",
        "progress",
        "error_text",
        "summary_text",
        "category_tree",
        "product_list",
        "result_text",
        "seller_link",
        "site_link",
        "sync_link",
        "job_link",
        "catalog_links",
        "parameter_text",
        "priority_name",
        "duration",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScrapingJob]:
        """Leave the bulk of the results in the database until a page shows one."""
        rows: QuerySet[ScrapingJob] = super().get_queryset(request)
        return rows.defer("raw_result", "frontier")

    @display(description="scraping job", ordering="created_at")
    def title(self, row: ScrapingJob) -> str:
        """Name the scraping job."""
        return f"{row.get_scraping_type_display()} {str(row.pk)[:8]}"

    @display(description="status", ordering="status")
    def status_label(self, row: ScrapingJob) -> SafeString:
        """Show the status."""
        status = status_now(row)[0]
        return label(status, STATUS_LABELS[ScrapingJob.Status(status)])

    @display(description="address", ordering="target_url")
    def target(self, row: ScrapingJob) -> SafeString:
        """Show the address, and lead there."""
        shown = row.target_url.partition("//")[2]
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500 hover:underline" href="{}" title="{}" target="_blank" '
            'rel="noopener noreferrer nofollow">{}</a>',
            row.target_url,
            row.target_url,
            shown if len(shown) <= 32 else f"{shown[:31]}…",
        )

    @display(description="progress")
    def progress(self, row: ScrapingJob) -> SafeString:
        """Show how far it is."""
        pct = status_now(row)[1]
        return progress_bar(pct, f"{pct:.0f} %, {row.pages} page{'' if row.pages == 1 else 's'}")

    @display(description="found")
    def found(self, row: ScrapingJob) -> str:
        """Show how many products it found."""
        return f"{row.summary['products']:,} products" if "products" in row.summary else "-"

    @display(description="priority", ordering="priority")
    def priority_name(self, row: ScrapingJob) -> str:
        """Show the priority's name."""
        return Priority(row.priority).name.lower()

    @display(description="error")
    def error_text(self, row: ScrapingJob) -> SafeString | str:
        """Show why it failed, and what the seller is told to do."""
        if not row.error_code:
            return "-"
        remedy = remedy_for(row.error_code)
        return format_html("<code>{}</code> {}<br>{}", row.error_code, row.error_message, remedy)

    @display(description="summary")
    def summary_text(self, row: ScrapingJob) -> SafeString | str:
        """Show the summary."""
        return pretty_json(row.summary)

    @display(description="categories")
    def category_tree(self, row: ScrapingJob) -> SafeString | str:
        """Show the categories that it found."""
        return navigation_html((raw_result_of(row) or {}).get("categories", []))

    @display(description="products")
    def product_list(self, row: ScrapingJob) -> SafeString | str:
        """Show the first products that it found."""
        products = (raw_result_of(row) or {}).get("products", [])
        if not products:
            return "-"
        shown = [(it["address"], (it.get("content") or {}).get("title") or it["address"]) for it in products]
        row_html = '<li><a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a></li>'
        rows = format_html_join("", row_html, shown[:MAX_SHOWN_PRODUCTS])
        count = (
            f"{len(shown):,}"
            if len(shown) <= MAX_SHOWN_PRODUCTS
            else f"The first {MAX_SHOWN_PRODUCTS} of {len(shown):,}"
        )
        return format_html(
            '<details><summary>{} products</summary><ol class="souk-categories">{}</ol></details>', count, rows
        )

    @display(description="raw result")
    def result_text(self, row: ScrapingJob) -> SafeString | str:
        """Show all that it found, folded."""
        found = raw_result_of(row)
        if found is None:
            return "-"
        text = str(pretty_json(found))
        if len(text) > MAX_SHOWN_CHARS:
            return f"{len(text):,} characters: read it over the API."
        return format_html("<details><summary>Show</summary>{}</details>", pretty_json(found))

    @display(description="seller", ordering="seller")
    def seller_link(self, row: ScrapingJob) -> SafeString | str:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", row.seller_id, row.seller) if row.seller else "staff"

    @display(description="site")
    def site_link(self, row: ScrapingJob) -> SafeString | str:
        """Link to what is known of the site."""
        return link("admin:catalog_site_change", row.site_id, row.site) if row.site else "-"

    @display(description="sync")
    def sync_link(self, row: ScrapingJob) -> SafeString | str:
        """Link to the sync that it started or joined."""
        return link("admin:marketplace_syncrun_change", row.sync_id, row.sync) if row.sync else "-"

    @display(description="last step")
    def job_link(self, row: ScrapingJob) -> SafeString | str:
        """Link to the ledger's job of the last step."""
        return link("admin:jobs_job_change", row.job_id, f"job {row.job_id}") if row.job_id else "-"

    @display(description="in the catalog")
    def catalog_links(self, row: ScrapingJob) -> SafeString | str:
        """Link to the catalog's products and categories that it found."""
        products = [("admin:marketplace_product_change", it.pk, it) for it in row.products.order_by("pk")[:20]]
        categories = [("admin:marketplace_category_change", it.pk, it) for it in row.categories.order_by("path")[:20]]
        found = [(link(*it),) for it in [*categories, *products]]
        return format_html_join(", ", "{}", found) if found else "-"

    @display(description="parameters")
    def parameter_text(self, row: ScrapingJob) -> SafeString | str:
        """Show what was asked for."""
        return pretty_json(row.parameters)

    @display(description="took")
    def duration(self, row: ScrapingJob) -> str:
        """Show how long it took, or takes."""
        return seconds_text(((row.finished_at or timezone.now()) - row.created_at).total_seconds())

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those cancel who may change scraping jobs, although nobody edits one."""
        return request.user.has_perm("catalog.change_scrapingjob")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer to cancel what has not ended."""
        ended = ("completed", "failed", "cancelled")
        if ScrapingJob.objects.filter(pk=object_id, status__in=ended).exists():
            return []
        actions: list[Any] = super().get_actions_detail(request, object_id)
        return actions

    @action(description="Cancel…", permissions=["cancel"], url_path="cancel", icon="cancel")
    def cancel(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask for a reason and cancel the scraping job."""
        row = ScrapingJob.objects.get(pk=object_id)
        back = reverse("admin:catalog_scrapingjob_change", args=[row.pk])
        reason = given_reason(request)
        if reason is None:
            effect = "Nothing more is read for it. What it has found so far stays."
            return ask_for_reason(
                request, self, [row], action="scraping job", title="Cancel a scraping job", effect=effect,
                button="Cancel it", back=back,
            )  # fmt: skip
        try:
            cancel_scraping(row, actor=request.user.get_username(), reason=reason)
            self.message_user(request, "The scraping job is cancelled.", messages.SUCCESS)
        except HasEnded as error:
            self.message_user(request, str(error), messages.WARNING)
        return HttpResponseRedirect(back)
