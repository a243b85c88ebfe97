"""Every address that Souk answers."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from jobs.api.job_log import JobLogView
from jobs.api.own_jobs import JobView, QueueStatsView
from jobs.pages.overviews import admin_pages
from marketplace import health, rq_dashboard
from marketplace.accounts.api import LoginView
from marketplace.api import MeView, MySyncsView, ProductsView, ProductView, SellersView, SyncView
from marketplace.api_directory import BulkEmbeddingsView, BusinessesView, BusinessView, RetryEmbeddingView
from marketplace.notifications.api import MailModesView, NotificationsView, NotificationView, ReadNotificationsView
from marketplace.notifications.pages import unsubscribe_page
from marketplace.rechecks.api import ProductRecheckView, RecheckView
from marketplace.routes import api_paths
from marketplace.staff_urls import staff_urls
from marketplace.webhooks.api_urls import webhook_urls

handler400 = "marketplace.problems.bad_request"
handler403 = "marketplace.problems.forbidden"
handler404 = "marketplace.problems.not_found"
handler500 = "marketplace.problems.server_error"

api_urls = [
    *api_paths("sellers/", SellersView.as_view(), name="sellers"),
    *api_paths("sellers/me/", MeView.as_view(), name="me"),
    *api_paths("sellers/me/login/", LoginView.as_view(), name="my-login"),
    *api_paths("sellers/me/syncs/", MySyncsView.as_view(), name="my-syncs"),
    *api_paths("syncs/<int:sync_id>/", SyncView.as_view(), name="sync"),
    *api_paths("products/", ProductsView.as_view(), name="products"),
    *api_paths("products/<int:product_id>/", ProductView.as_view(), name="product"),
    *api_paths("products/<int:product_id>/recheck/", ProductRecheckView.as_view(), name="product-recheck"),
    *api_paths("rechecks/<int:recheck_id>/", RecheckView.as_view(), name="recheck"),
    *api_paths("jobs/<int:job_id>/", JobView.as_view(), name="job"),
    *api_paths("jobs/<int:job_id>/log/", JobLogView.as_view(), name="job-log"),
    *api_paths("queue/stats/", QueueStatsView.as_view(), name="queue-stats"),
    *api_paths("directory/", BusinessesView.as_view(), name="businesses"),
    *api_paths("directory/<int:business_id>/", BusinessView.as_view(), name="business"),
    *api_paths("admin/embeddings/bulk/", BulkEmbeddingsView.as_view(), name="staff-embed-businesses"),
    *api_paths("admin/embeddings/retry/<int:business_id>/", RetryEmbeddingView.as_view(), name="staff-retry-business"),
    *api_paths("notifications/", NotificationsView.as_view(), name="notifications"),
    *api_paths("notifications/read/", ReadNotificationsView.as_view(), name="notifications-read"),
    *api_paths("notifications/mail/", MailModesView.as_view(), name="notifications-mail"),
    *api_paths("notifications/<int:notification_id>/", NotificationView.as_view(), name="notification"),
    *webhook_urls,
    *staff_urls,
    *api_paths("schema/", SpectacularAPIView.as_view(), name="schema"),
    *api_paths("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
]

admin.autodiscover()  # here, not at start: workers and commands need not load the admin

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("admin/rq/", rq_dashboard.dashboard, {"rest": ""}, name="rq-dashboard"),
    path("admin/rq/<path:rest>", rq_dashboard.dashboard),
    path("admin/", include(admin_pages)),
    path("admin/qc/", include("qc.staff_urls")),
    path("admin/", admin.site.urls),
    path("api/", include((api_urls, "api"))),
    path("api/", include("catalog.urls")),
    path("api/", include("qc.urls")),
    path("seller/", include("marketplace.accounts.urls")),
    path("seller/", include("marketplace.notifications.page_urls")),
    path("seller/", include("marketplace.webhooks.page_urls")),
    path("seller/", include("marketplace.rechecks.page_urls")),
    path("unsubscribe/<str:token>/", unsubscribe_page, name="unsubscribe"),
    path("seller/", include("qc.page_urls")),
    path("seller/", include("catalog.seller_urls")),
    path("", include("catalog.page_urls")),
]

if settings.EMBEDDED or settings.DEBUG:
    # In production the web server, or a bucket, serves pictures.
    urlpatterns.append(re_path(r"^media/(?P<path>.+)$", serve, {"document_root": settings.MEDIA_ROOT}))
