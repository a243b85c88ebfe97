"""The admin's front page and its navigation."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Now
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from jobs.models import DeadLetter, Worker
from jobs.pages.presentation import seconds_text
from jobs.stats import queue_stats
from marketplace.models import Product, Seller, SyncRun

# Several people may keep the page open: the figures are read once in this time.
FIGURES_TTL_S = 3
LIVE_STATES = ("pending", "running", "scheduled", "gated", "waiting")


def environment(request: HttpRequest) -> tuple[str, str] | None:
    """Name the kind of installation, in unfold's badge."""
    if settings.DEBUG:
        return "Debug", "danger"
    return ("Embedded", "info") if settings.EMBEDDED else None


def stylesheet(request: HttpRequest) -> str:
    """Name the styles that unfold lacks."""
    return static("marketplace/admin.css")


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the live figures to the front page."""
    context["title"] = "Overview"
    context["figures"] = cache.get_or_set("admin-figures", _figures, FIGURES_TTL_S)
    context["recent_syncs"] = SyncRun.objects.select_related("seller")[:5]
    context["recent_dead_letters"] = DeadLetter.objects.filter(resolution="")[:5]
    return context


def _figures() -> dict[str, Any]:
    products = dict(Product.objects.order_by().values_list("status").annotate(count=Count("pk")))
    stats = queue_stats()
    alive = Worker.objects.filter(ended_at=None, beat_at__gte=Now() - timedelta(seconds=settings.JOB_SILENCE_S))
    return {
        "products": [(status, label, products.get(status, 0)) for status, label in Product.Status.choices],
        "product_total": sum(products.values()),
        "sellers": Seller.objects.count(),
        "queues": [queue | {"due_age": _age_text(queue["oldest_pending_s"])} for queue in stats["queues"]],
        "jobs": [(state, sum(queue[state] for queue in stats["queues"])) for state in LIVE_STATES],
        "jobs_capped_at": stats["count_limit"],
        "tasks": stats["tasks"],
        "workers": alive.count(),
        "busy_workers": alive.filter(status=Worker.Status.BUSY).count(),
        "dead_letters": stats["dead_letters"],
    }


def _age_text(seconds: float | None) -> str:
    return "–" if seconds is None else seconds_text(seconds)


def open_dead_letters(request: HttpRequest) -> str:
    """Count the open dead letters for the navigation's badge, up to 99."""
    count = DeadLetter.objects.filter(resolution="")[:100].count()
    return "99+" if count > 99 else str(count)


def products_to_review(request: HttpRequest) -> str:
    """Count the flagged products for the navigation's badge, up to 99."""
    count = Product.objects.filter(status=Product.Status.FLAGGED)[:100].count()
    return "99+" if count > 99 else str(count)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar, without the pages that this user may not see."""
    products = reverse("admin:marketplace_product_changelist")
    groups = [
        ("", [("Overview", "dashboard", reverse("admin:index"), "")]),
        (
            "Marketplace",
            [
                ("Sellers", "storefront", _list("marketplace_seller"), "marketplace.view_seller"),
                ("Logins", "badge", _list("marketplace_sellermember"), "marketplace.view_sellermember"),
                ("Businesses", "contacts", _list("marketplace_directoryentry"), "marketplace.view_directoryentry"),
                ("Products", "inventory_2", products, "marketplace.view_product"),
                ("Categories", "category", _list("marketplace_category"), "marketplace.view_category"),
                ("Feeds", "upload_file", _list("catalog_feedimport"), "catalog.view_feedimport"),
                ("Connections", "cable", _list("catalog_catalogconnection"), "catalog.view_catalogconnection"),
                ("Sync runs", "sync", _list("marketplace_syncrun"), "marketplace.view_syncrun"),
                ("Domains", "dns", _list("catalog_domain"), "catalog.view_domain"),
                ("API keys", "key", _list("marketplace_apikey"), "marketplace.view_apikey"),
            ],
        ),
        (
            "Catalog reading",
            [
                ("Scraping jobs", "travel_explore", _list("catalog_scrapingjob"), "catalog.view_scrapingjob"),
                ("Sites", "language", _list("catalog_site"), "catalog.view_site"),
            ],
        ),
        (
            "Search",
            [
                ("Search indexes", "database", _list("catalog_searchindex"), "catalog.view_searchindex"),
                ("Queries", "manage_search", _list("catalog_searchquery"), "catalog.view_searchquery"),
                ("Synonyms", "sync_alt", _list("catalog_synonym"), "catalog.view_synonym"),
            ],
        ),
        (
            "Catalog quality",
            [
                ("Review queue", "rate_review", reverse("admin-review"), "qc.review_product"),
                ("Appeals", "balance", f"{_list('qc_appeal')}?state__exact=open", "qc.review_product"),
                ("Flagged", "flag", f"{products}?status__exact=flagged", "marketplace.view_product"),
                ("Rejected", "block", f"{products}?status__exact=rejected", "marketplace.view_product"),
                ("Unreadable", "link_off", f"{products}?status__exact=dead", "marketplace.view_product"),
                ("Rules", "rule", reverse("admin-rules"), "qc.view_rulesetrevision"),
                ("Verdicts", "gavel", _list("qc_verdict"), "qc.view_verdict"),
                ("Photos", "photo_library", _list("catalog_photoset"), "catalog.view_photoset"),
                ("Proposals", "edit_note", _list("catalog_proposal"), "catalog.view_proposal"),
                (
                    "Requests for proposals",
                    "draw",
                    _list("catalog_generationrequest"),
                    "catalog.view_generationrequest",
                ),
            ],
        ),
        (
            "Sellers are told",
            [
                ("Notifications", "notifications", _list("marketplace_notification"), "marketplace.view_notification"),
                ("Mails", "mail", _list("marketplace_mail"), "marketplace.view_mail"),
                ("Webhooks", "webhook", _list("marketplace_webhookendpoint"), "marketplace.view_webhookendpoint"),
                ("Deliveries", "send", _list("marketplace_webhookdelivery"), "marketplace.view_webhookdelivery"),
            ],
        ),
        (
            "Jobs",
            [
                ("Jobs", "list_alt", _list("jobs_job"), "jobs.view_job"),
                ("Failures", "error", reverse("admin-failures"), "jobs.view_deadletter"),
                ("Dead letters", "report", f"{_list('jobs_deadletter')}?resolution=open", "jobs.view_deadletter"),
                ("Bulk retries", "replay", _list("jobs_bulkretry"), "jobs.view_bulkretry"),
                ("Schedules", "schedule", _list("jobs_schedule"), "jobs.view_schedule"),
            ],
        ),
        (
            "Engine",
            [
                ("Use of Gemini", "neurology", _list("marketplace_geminiminute"), "marketplace.view_geminiminute"),
                ("Queues", "stacks", reverse("admin-queues"), "jobs.view_job"),
                ("Tasks", "toggle_on", reverse("admin-tasks"), "jobs.view_job"),
                ("Workers", "memory", f"{_list('jobs_worker')}?process=running", "jobs.view_worker"),
                ("Gates", "speed", _list("jobs_gate"), "jobs.view_gate"),
                ("Tenants", "balance", _list("jobs_tenant"), "jobs.view_tenant"),
                ("rq-dashboard", "monitoring", reverse("rq-dashboard"), "jobs.view_job"),
            ],
        ),
        (
            "System",
            [
                ("Audit log", "history", _list("jobs_audit"), "jobs.view_audit"),
                ("Staff", "group", _list("auth_user"), "auth.view_user"),
                ("API docs", "api", reverse("api:docs"), ""),
            ],
        ),
    ]
    return [
        {"title": title, "items": [_item(request, *entry) for entry in entries if _is_for(request, entry)]}
        for title, entries in groups
    ]


def open_appeals(request: HttpRequest) -> str:
    """Count the open appeals for the navigation's badge; they are the business of an app above this one."""
    count: str = import_string("qc.appeals.open_count")()
    return count


BADGES = {"Review queue": products_to_review, "Appeals": open_appeals, "Dead letters": open_dead_letters}


def _is_for(request: HttpRequest, entry: tuple[str, str, str, str]) -> bool:
    _, _, address, permission = entry
    return bool(address) and (not permission or request.user.has_perm(permission))


def _item(request: HttpRequest, title: str, icon: str, address: str, permission: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    is_here = request.path.startswith(path) if path != reverse("admin:index") else request.path == path
    if query or "?" not in address:
        # "Products" and "Flagged" are one list: the one whose filter is set is where we are.
        is_here = is_here and (query in request.GET.urlencode() if query else not _is_filtered_view(request, path))
    item: dict[str, Any] = {"title": title, "icon": icon, "link": address, "active": is_here}
    badge = BADGES[title](request) if title in BADGES else "0"
    return item | {"badge": badge, "badge_variant": "warning"} if badge != "0" else item


def _is_filtered_view(request: HttpRequest, path: str) -> bool:
    is_products = path == reverse("admin:marketplace_product_changelist")
    return is_products and request.GET.get("status__exact") in ("flagged", "rejected", "dead")


def _list(model: str) -> str:
    try:
        return reverse(f"admin:{model}_changelist")
    except NoReverseMatch:  # an app above this one that shows nothing in the admin
        return ""
