"""Products and categories in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, list_link, pretty_json
from marketplace.models import Category, Picture, Product
from marketplace.products import AWAY, list_price_text, price_text

STATUS_LABELS = {
    Product.Status.PENDING: "info",
    Product.Status.LIVE: "success",
    Product.Status.REJECTED: "danger",
    Product.Status.FLAGGED: "warning",
    Product.Status.DEAD: "danger",
    Product.Status.GONE: None,
}


class ReasonFilter(admin.SimpleListFilter):
    """Filters by the code of a reason, among the codes that products have."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the codes in use."""
        codes = (
            Product.objects.exclude(reasons=[]).order_by().values_list("reasons__0__code", flat=True).distinct()[:50]
        )
        return [(code, code) for code in sorted(code for code in codes if code)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        """Keep the products with the chosen reason."""
        return queryset.filter(reasons__contains=[{"code": self.value()}]) if self.value() else queryset


class ProductAdmin(ReadOnlyAdmin):
    """Products, each with its picture, its status and why."""

    list_display = ["picture", "title_text", "status_label", "price_label", "why", "seller_link", "last_seen_at"]
    list_display_links = ["title_text"]
    list_filter = ["status", ReasonFilter, "availability"]
    list_select_related = ["seller", "last_sync", "duplicate_of"]
    search_fields = ["title"]
    search_help_text = "Part of a title, a SKU, a product's id, or the source's id"
    fieldsets = [
        (None, {"fields": ["pictures", "title_text", "status_label", "reason_list", "price_label", "availability"]}),
        ("Text", {"fields": ["description", "brand", "sku", "gtin", "variant_list", "attribute_list", "edit_list"]}),
        ("Where it is from", {"fields": ["seller_link", "category_links", "address_link", "external_id", "sync_link"]}),
        ("How its page was read", {"fields": ["breadcrumb_text", "evidence_table"]}),
        ("Quality", {"fields": ["duplicate_link", "verdict_link", "job_links"]}),
        ("Times", {"fields": ["first_seen_at", "last_seen_at", "scraped_at", "indexed_at", "updated_at"]}),
        (
            "Engine room",
            {
                "fields": ["content_hash", "embedding_fingerprint", "embedding_input_hash", "etag", "last_modified"],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = [
        "pictures",
        "title_text",
        "status_label",
        "reason_list",
        "price_label",
        "seller_link",
        "category_links",
        "address_link",
        "sync_link",
        "duplicate_link",
        "verdict_link",
        "job_links",
        "breadcrumb_text",
        "evidence_table",
        "variant_list",
        "attribute_list",
        "edit_list",
    ]
    ordering = ["-id"]
    actions_detail = ["judge", "check_again"]

    def has_review_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those judge products who may, although nobody edits one."""
        return request.user.has_perm("qc.review_product")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Offer to judge what buyers could see."""
        away = Product.objects.filter(pk=object_id, status__in=AWAY)
        return [] if away.exists() else super().get_actions_detail(request, object_id)

    @action(description="Approve or reject…", permissions=["review"], url_path="judge", icon="gavel")
    def judge(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Go to the page on which staff judges it."""
        return HttpResponseRedirect(reverse("admin-review-product", args=[object_id]))

    @action(description="Check again…", permissions=["review"], url_path="check-again", icon="fact_check")
    def check_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Go to the page that asks why."""
        return HttpResponseRedirect(reverse("admin-check-again", args=[object_id]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """Bring the pictures along."""
        pictures = Prefetch("pictures", queryset=Picture.objects.order_by("position"))
        products: QuerySet[Product] = super().get_queryset(request)
        return products.prefetch_related(pictures)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """Find by title, SKU or either id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(title__icontains=term) | Q(sku=term) | Q(external_id=term)
        return queryset.filter(found | Q(pk=int(term)) if term.isdecimal() else found), False

    @display(description="picture")
    def picture(self, product: Product) -> SafeString | str:
        """Show the first picture that has a thumbnail."""
        for picture in product.pictures.all():
            if picture.thumbnail:
                return format_html(
                    '<img class="souk-thumbnail" src="{}" alt="" width="48" height="48" loading="lazy">',
                    picture.thumbnail.url,
                )
        return format_html('<span class="souk-thumbnail souk-none" title="no picture">{}</span>', "–")

    @display(description="pictures")
    def pictures(self, product: Product) -> SafeString | str:
        """Show every picture, the first one large."""
        found = [(_picture_html(picture),) for picture in product.pictures.all()]
        return format_html('<div class="souk-pictures">{}</div>', format_html_join("", "{}", found)) if found else "-"

    @display(description="product", ordering="title")
    def title_text(self, product: Product) -> str:
        """Show the title, or the source's id while there is none."""
        return str(product)[:80]

    @display(description="status", ordering="status")
    def status_label(self, product: Product) -> SafeString:
        """Show the status."""
        return label(product.get_status_display(), STATUS_LABELS[Product.Status(product.status)])

    @display(description="price", ordering="price")
    def price_label(self, product: Product) -> str:
        """Show the price, and what it was before a reduction."""
        price = price_text(product) or "-"
        if product.list_price is None:
            return price
        return f"{price} (before: {list_price_text(product)})"

    @display(description="reasons")
    def why(self, product: Product) -> str:
        """Show the codes of the reasons."""
        return ", ".join(reason["code"] for reason in product.reasons) or "-"

    @display(description="reasons")
    def reason_list(self, product: Product) -> SafeString | str:
        """Show each reason with its remedy."""
        if not product.reasons:
            return "-"
        rows = ((reason["code"], reason.get("message", ""), reason.get("remedy", "")) for reason in product.reasons)
        return format_html(
            '<ul class="souk-reasons">{}</ul>',
            format_html_join("", "<li><code>{}</code> {}<br><em>{}</em></li>", rows),
        )

    @display(description="seller", ordering="seller")
    def seller_link(self, product: Product) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", product.seller_id, product.seller)

    @display(description="categories")
    def category_links(self, product: Product) -> SafeString | str:
        """Link to the categories that it was found in."""
        found = [
            (link("admin:marketplace_category_change", category.pk, category),) for category in product.categories.all()
        ]
        return format_html_join(", ", "{}", found) if found else "-"

    @display(description="address")
    def address_link(self, product: Product) -> SafeString | str:
        """Link to the product's page in the catalog."""
        if not product.address:
            return "-"
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500 underline break-all" href="{}" '
            'rel="noreferrer noopener" target="_blank">{}</a>',
            product.address if product.address.startswith(("http://", "https://")) else "",
            product.address,
        )

    @display(description="last sync")
    def sync_link(self, product: Product) -> SafeString | str:
        """Link to the sync that saw it last."""
        if product.last_sync is None:
            return "-"
        return link("admin:marketplace_syncrun_change", product.last_sync.pk, product.last_sync)

    @display(description="duplicate of")
    def duplicate_link(self, product: Product) -> SafeString | str:
        """Link to the product that it repeats."""
        if product.duplicate_of is None:
            return "-"
        return link("admin:marketplace_product_change", product.duplicate_of.pk, product.duplicate_of)

    @display(description="variants")
    def variant_list(self, product: Product) -> SafeString | str:
        """Show the variants."""
        return pretty_json(product.variants)

    @display(description="breadcrumbs")
    def breadcrumb_text(self, product: Product) -> str:
        """Show the way from the shop's front page, as the product's page tells it."""
        return " > ".join(product.breadcrumbs) or "-"

    @display(description="evidence")
    def evidence_table(self, product: Product) -> SafeString | str:
        """Show where each field was found, and how sure that is."""
        rows = [
            (field.replace("_", " "), told["evidence"], f"{told['confidence']:.0%}")
            for field, told in sorted(product.evidence.items())
            if isinstance(told, dict) and {"evidence", "confidence"} <= set(told)
        ]
        if not rows:
            return "-"
        return format_html(
            '<table class="souk-table"><thead><tr><th scope="col">Field</th><th scope="col">found in</th>'
            '<th scope="col">sure</th></tr></thead><tbody>{}</tbody></table>',
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', rows),
        )

    @display(description="attributes")
    def attribute_list(self, product: Product) -> SafeString | str:
        """Show what else its source says."""
        return pretty_json(product.attributes)

    @display(description="the seller's own texts")
    def edit_list(self, product: Product) -> SafeString | str:
        """Show what lies over what the catalog says, and what that is."""
        return pretty_json({"edits": product.edits, "the catalog's": product.unedited} if product.edits else {})

    @display(description="verdicts")
    def verdict_link(self, product: Product) -> SafeString | str:
        """Link to its verdicts, where quality control shows them."""
        try:
            return list_link("admin:qc_verdict_changelist", f"product__id__exact={product.pk}", "all verdicts")
        except NoReverseMatch:
            return "-"

    @display(description="jobs")
    def job_links(self, product: Product) -> SafeString | str:
        """Link to the jobs of the sync that saw it last."""
        if product.last_sync is None:
            return "-"
        group = product.last_sync.group
        return list_link("admin:jobs_job_changelist", f"q={group}", f"jobs of {group}")


def _picture_html(picture: Picture) -> SafeString:
    if not picture.display:
        return format_html(
            '<figure><div class="souk-none">broken</div><figcaption><code>{}</code></figcaption></figure>',
            picture.error_code,
        )
    return format_html(
        '<figure><img src="{}" alt="picture {}"><figcaption>{} × {} px, {} kB</figcaption></figure>',
        picture.display.url,
        picture.position + 1,
        picture.width_px,
        picture.height_px,
        round(picture.size_bytes / 1000),
    )


class CategoryAdmin(ReadOnlyAdmin):
    """The sellers' category trees."""

    list_display = ["path", "seller_link", "product_count", "address"]
    list_select_related = ["seller", "parent"]
    search_fields = ["path"]
    fieldsets = [(None, {"fields": ["name", "path", "parent_link", "seller_link", "address", "product_count"]})]
    readonly_fields = ["seller_link", "parent_link", "product_count"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Bring the number of products along."""
        categories: QuerySet[Category] = super().get_queryset(request)
        return categories.annotate(products_here=Count("products"))

    @display(description="seller", ordering="seller")
    def seller_link(self, category: Category) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", category.seller_id, category.seller)

    @display(description="parent")
    def parent_link(self, category: Category) -> SafeString | str:
        """Link to the parent."""
        if category.parent is None:
            return "-"
        return link("admin:marketplace_category_change", category.parent.pk, category.parent)

    @display(description="products", ordering="products_here")
    def product_count(self, category: Category) -> SafeString:
        """Link to the products found in it."""
        query = f"categories__id__exact={category.pk}"
        return list_link("admin:marketplace_product_changelist", query, getattr(category, "products_here", 0))
