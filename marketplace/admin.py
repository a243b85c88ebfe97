"""The marketplace in the admin: sellers, their keys and their syncs; products stand in `admin_products`."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminURLInputWidget

from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link, list_link, seconds_text
from marketplace import api_keys, directory, sellers, syncs
from marketplace.accounts.admin import InvitesMembers
from marketplace.admin_directory import DirectoryEntryAdmin
from marketplace.admin_gemini import GeminiMinuteAdmin
from marketplace.admin_products import CategoryAdmin, ProductAdmin
from marketplace.models import ApiKey, Category, DirectoryEntry, GeminiMinute, Product, Seller, SyncRun
from marketplace.notifications import admin as _notifications  # noqa: F401 its pages register themselves
from marketplace.webhooks import admin as _webhooks  # noqa: F401

admin.site.register(Product, ProductAdmin)
admin.site.register(Category, CategoryAdmin)
admin.site.register(DirectoryEntry, DirectoryEntryAdmin)
admin.site.register(GeminiMinute, GeminiMinuteAdmin)
admin.site.unregister(User)
admin.site.unregister(Group)

SYNC_LABELS = {SyncRun.Status.RUNNING: "info", SyncRun.Status.FINISHED: "success", SyncRun.Status.FAILED: "danger"}
PRODUCT_ORDER = ("live", "rejected", "flagged", "dead", "gone", "pending")


class SellerForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff may change of a seller."""

    catalog_address = forms.URLField(
        required=False, max_length=2000, assume_scheme="https", widget=UnfoldAdminURLInputWidget
    )

    class Meta:
        model = Seller
        fields = ["name", "email", "plan", "catalog_address", "category", "description", "address", "phone"]

    def clean_catalog_address(self) -> str:
        """Let the core say whether the address can be one."""
        try:
            return sellers.checked_catalog_address(self.cleaned_data["catalog_address"])
        except sellers.InvalidCatalogAddress as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Seller)
class SellerAdmin(InvitesMembers, ModelAdmin):  # type: ignore[misc]
    """Sellers, and what staff may do for them."""

    form = SellerForm

    list_display = ["name", "status_label", "plan", "products", "last_sync", "created_at"]
    list_filter = ["status", "plan"]
    search_fields = ["name", "email", "catalog_address"]
    list_per_page = 50
    actions_detail = ["start_sync", "invite_member", "suspend", "reactivate"]
    fieldsets = [
        (None, {"fields": ["name", "email", "plan", "status_label", "catalog_address"]}),
        ("Activity", {"fields": ["product_counts", "last_sync", "pages"]}),
        ("Directory", {"fields": ["category", "description", "address", "phone"]}),
        ("Times", {"fields": ["created_at", "updated_at"]}),
    ]
    readonly_fields = ["status_label", "product_counts", "last_sync", "pages", "created_at", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Seller]:
        """Bring the number of live products and the last sync along."""
        live = Product.objects.filter(seller=OuterRef("pk"), status="live").order_by().values("seller")
        newest = SyncRun.objects.filter(seller=OuterRef("pk")).order_by("-id")
        found: QuerySet[Seller] = super().get_queryset(request)
        return found.annotate(
            live_products=Subquery(live.annotate(count=Count("pk")).values("count")),
            last_sync_id=Subquery(newest.values("pk")[:1]),
            last_sync_status=Subquery(newest.values("status")[:1]),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Seller | None = None) -> Any:
        """Leave out activity and times of a seller who is not there yet."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else [fieldsets[0], fieldsets[2]]

    def save_model(self, request: HttpRequest, obj: Seller, form: Any, change: bool) -> None:
        """Save the seller; a new plan comes with another share of the workers, and the directory follows."""
        super().save_model(request, obj, form, change)
        if not change or "plan" in form.changed_data:
            sellers.give_share(obj)
        changes = form.changed_data if change else None
        directory.follow_seller(obj, changes, source="admin", by=request.user.get_username())

    def has_delete_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        """Forbid deleting: a seller is suspended."""
        return False

    @display(description="status", ordering="status")
    def status_label(self, seller: Seller) -> SafeString:
        """Show the status."""
        return label(seller.status, "success" if seller.status == Seller.Status.ACTIVE else "danger")

    @display(description="live products")
    def products(self, seller: Seller) -> SafeString:
        """Link to the seller's live products."""
        query = f"seller__id__exact={seller.pk}&status__exact=live"
        return list_link("admin:marketplace_product_changelist", query, getattr(seller, "live_products", None) or 0)

    @display(description="products")
    def product_counts(self, seller: Seller) -> SafeString | str:
        """Link to the seller's products by status."""
        counts = dict(seller.products.order_by().values_list("status").annotate(count=Count("pk")))
        found = [
            (
                list_link(
                    "admin:marketplace_product_changelist",
                    f"seller__id__exact={seller.pk}&status__exact={status}",
                    f"{counts[status]} {Product.Status(status).label.lower()}",
                ),
            )
            for status in PRODUCT_ORDER
            if status in counts
        ]
        return format_html_join(" · ", "{}", found) if found else "none yet"

    @display(description="last sync")
    def last_sync(self, seller: Seller) -> SafeString | str:
        """Link to the seller's last sync."""
        pk = getattr(seller, "last_sync_id", None)
        if pk is None:
            return "never"
        return link("admin:marketplace_syncrun_change", pk, f"sync {pk}, {getattr(seller, 'last_sync_status', '')}")

    @display(description="see also")
    def pages(self, seller: Seller) -> SafeString:
        """Link to the lists of what is the seller's."""
        by_seller = f"seller__id__exact={seller.pk}"
        return format_html(
            "{} · {} · {} · {} · {}",
            list_link("admin:marketplace_sellermember_changelist", by_seller, "logins"),
            list_link("admin:marketplace_syncrun_changelist", by_seller, "syncs"),
            list_link("admin:marketplace_category_changelist", by_seller, "categories"),
            list_link("admin:marketplace_apikey_changelist", by_seller, "API keys"),
            list_link("admin:jobs_job_changelist", f"q={seller.tenant}", "jobs"),
        )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Offer to suspend those who act, and to reactivate those who are suspended."""
        is_active = Seller.objects.filter(pk=object_id, status=Seller.Status.ACTIVE).exists()
        useless = "marketplace_seller_reactivate" if is_active else "marketplace_seller_suspend"
        return [found for found in super().get_actions_detail(request, object_id) if found.action_name != useless]

    @action(description="Start sync…", permissions=["change"], url_path="start-sync", icon="sync")
    def start_sync(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and start a sync."""
        seller = Seller.objects.get(pk=object_id)
        reason = given_reason(request)
        if reason is None:
            effect = f"The whole catalog at {seller.catalog_address or '(no address yet)'} is read again."
            return self._ask(request, seller, title="Start a sync", effect=effect, button="Start sync")
        try:
            sync, is_new = syncs.start_sync_for_staff(seller=seller, actor=request.user.get_username(), reason=reason)
        except syncs.NoCatalogAddress:
            self.message_user(request, "Give the seller a catalog address first.", messages.ERROR)
        except syncs.SellerSuspended:
            self.message_user(request, "The seller is suspended.", messages.ERROR)
        except syncs.SyncRunning as error:
            text = f"Sync {error.sync.pk} brings in what the seller sent; try again when it has ended."
            self.message_user(request, text, messages.WARNING)
        else:
            text = f"Sync {sync.pk} has started." if is_new else f"Sync {sync.pk} is running already."
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:marketplace_syncrun_change", args=[sync.pk]))
        return HttpResponseRedirect(reverse("admin:marketplace_seller_change", args=[seller.pk]))

    @action(description="Suspend…", permissions=["change"], url_path="suspend", icon="block")
    def suspend(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and suspend the seller."""
        effect = "The seller's keys stop working and their products leave search until they are reactivated."
        return self._change_status(request, object_id, sellers.suspend_seller, verb="Suspend", effect=effect)

    @action(description="Reactivate…", permissions=["change"], url_path="reactivate", icon="check_circle")
    def reactivate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and reactivate the seller."""
        effect = "The seller's keys work again and their live products are found again."
        return self._change_status(request, object_id, sellers.reactivate_seller, verb="Reactivate", effect=effect)

    def _change_status(
        self, request: HttpRequest, object_id: int, change: Callable[..., bool], *, verb: str, effect: str
    ) -> HttpResponse:
        seller = Seller.objects.get(pk=object_id)
        reason = given_reason(request)
        if reason is None:
            return self._ask(request, seller, title=f"{verb} a seller", effect=effect, button=verb)
        has_changed = change(seller, actor=request.user.get_username(), reason=reason)
        text = f"{seller} is {seller.get_status_display()}" + ("." if has_changed else " already.")
        self.message_user(request, text, messages.SUCCESS if has_changed else messages.WARNING)
        return HttpResponseRedirect(reverse("admin:marketplace_seller_change", args=[seller.pk]))

    def _ask(self, request: HttpRequest, seller: Seller, *, title: str, effect: str, button: str) -> HttpResponse:
        back = reverse("admin:marketplace_seller_change", args=[seller.pk])
        return ask_for_reason(
            request, self, [seller], action="seller", title=title, effect=effect, button=button, back=back
        )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys: their prefixes, and the way to revoke them."""

    list_display = ["key", "state_label", "seller_link", "name", "last_used_at", "created_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["seller"]
    search_fields = ["prefix", "seller__name"]
    actions = ["revoke_selected"]
    fieldsets = [
        (None, {"fields": ["key", "state_label", "seller_link", "name", "created_at", "last_used_at", "revoked_at"]})
    ]
    readonly_fields = ["key", "state_label", "seller_link"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Let those revoke who may change keys, although nobody edits one."""
        return request.user.has_perm("marketplace.change_apikey")

    @display(description="key", ordering="prefix")
    def key(self, key: ApiKey) -> str:
        """Show the prefix; the rest is not known here."""
        return str(key)

    @display(description="state")
    def state_label(self, key: ApiKey) -> SafeString:
        """Show whether the key works."""
        return label("revoked", "danger") if key.revoked_at else label("active", "success")

    @display(description="seller", ordering="seller")
    def seller_link(self, key: ApiKey) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", key.seller_id, key.seller)

    @action(description="Revoke selected…", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for a reason and revoke the selected keys."""
        reason = given_reason(request)
        if reason is None:
            return ask_for_reason(
                request,
                self,
                list(queryset),
                action="revoke_selected",
                title="Revoke API keys",
                effect="Programs that use these keys are refused from now on. This cannot be undone.",
                button="Revoke",
            )
        actor = request.user.get_username()
        revoked = sum(api_keys.revoke_key(key, actor=actor, reason=reason) for key in queryset)
        self.message_user(request, f"{revoked} revoked.", messages.SUCCESS)
        return None


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    """Syncs with their figures, live while they run."""

    list_display = [
        "title",
        "status_label",
        "seller_link",
        "found_count",
        "counts",
        "duration",
        "origin",
        "trigger",
        "started_at",
    ]
    list_filter = ["status", "origin", "trigger"]
    list_select_related = ["seller"]
    search_fields = ["seller__name", "catalog_address"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "status_label",
                    "seller_link",
                    "origin",
                    "catalog_address",
                    "keeps_others",
                    "trigger",
                    "error",
                ]
            },
        ),
        ("Products", {"fields": ["found_count", "counts", "product_list"]}),
        ("Stages", {"fields": ["stage_table", "retries", "job_list"]}),
        ("Times", {"fields": ["started_at", "finished_at", "duration"]}),
    ]
    readonly_fields = [
        "status_label",
        "seller_link",
        "error",
        "found_count",
        "counts",
        "product_list",
        "stage_table",
        "retries",
        "job_list",
        "duration",
    ]

    @display(description="sync", ordering="id")
    def title(self, sync: SyncRun) -> str:
        """Name the sync."""
        return str(sync)

    @display(description="status", ordering="status")
    def status_label(self, sync: SyncRun) -> SafeString:
        """Show the status."""
        return label(sync.status, SYNC_LABELS[SyncRun.Status(sync.status)])

    @display(description="seller", ordering="seller")
    def seller_link(self, sync: SyncRun) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", sync.seller_id, sync.seller)

    @display(description="found")
    def found_count(self, sync: SyncRun) -> str:
        """Show how many products are listed."""
        return f"{syncs.progress(sync).found:,}"

    @display(description="products")
    def counts(self, sync: SyncRun) -> str:
        """Show the products by status."""
        products = syncs.progress(sync).products
        return " · ".join(f"{products[name]:,} {name}" for name in PRODUCT_ORDER if products[name]) or "none yet"

    @display(description="list")
    def product_list(self, sync: SyncRun) -> SafeString:
        """Link to the products that it saw last."""
        query = f"last_sync__id__exact={sync.pk}"
        return list_link("admin:marketplace_product_changelist", query, "products that this sync saw last")

    @display(description="error")
    def error(self, sync: SyncRun) -> SafeString | str:
        """Show why it failed."""
        return format_html("<code>{}</code> {}", sync.error_code, sync.error_message) if sync.error_code else "-"

    @display(description="jobs by stage")
    def stage_table(self, sync: SyncRun) -> SafeString | str:
        """Show the jobs of each stage by state."""
        stages = syncs.progress(sync).stages
        states = sorted({state for counts in stages.values() for state in counts})
        rows = [(task, [counts.get(state, 0) for state in states]) for task, counts in stages.items()]
        return render_to_string("marketplace/stages.html", {"states": states, "rows": rows, "sync": sync})

    @display(description="retries")
    def retries(self, sync: SyncRun) -> str:
        """Show how many executions were followed by another."""
        return f"{syncs.progress(sync).retries:,}"

    @display(description="jobs")
    def job_list(self, sync: SyncRun) -> SafeString:
        """Link to the sync's jobs."""
        return list_link("admin:jobs_job_changelist", f"q={sync.group}", f"jobs of {sync.group}")

    @display(description="took")
    def duration(self, sync: SyncRun) -> str:
        """Show how long it took, or takes."""
        return seconds_text(((sync.finished_at or timezone.now()) - sync.started_at).total_seconds())


@admin.register(User)
class UserAdmin(StockUserAdmin, ModelAdmin):  # type: ignore[type-arg, misc]
    """Staff accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(StockGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups of staff accounts."""
