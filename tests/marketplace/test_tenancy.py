"""A tenant reads its own and nothing of another's, at any address; a new address must say here how that is seen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from catalog.connections import connect
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from catalog.models import ScrapingJob
from catalog.photos.models import Photo, PhotoSet
from jobs import tenancy
from jobs.events import relay
from jobs.models import Job, JobAttempt, JobEvent, JobGroup, JobLine, Schedule
from jobs.permits import transport
from marketplace.models import Product, Seller, SyncRun
from marketplace.notifications.models import Notification
from marketplace.rechecks.models import Recheck
from marketplace.webhooks.endpoints import create_endpoint
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.publishing import new_message
from qc.models import Appeal, Verdict
from tests.marketplace.factories import make_dead_letter, make_job, make_member, make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db
MARK = "belongs-to-the-other"


@dataclass(frozen=True)
class Other:
    """Another seller, with a row of everything; each carries MARK."""

    seller: Seller
    job: Job
    sync: SyncRun
    product: Product
    feed: FeedImport
    scraping: ScrapingJob
    preview: Job
    recheck: Recheck
    appeal: Appeal
    notification: Notification
    webhook: WebhookEndpoint
    delivery: WebhookDelivery
    generation: GenerationRequest
    text: ProposedText
    photo_set: PhotoSet
    photo: Photo


@pytest.fixture
def other() -> Other:
    seller = make_seller(name=MARK, catalog_address=f"https://{MARK}.example/")
    job = make_job(tenant=seller.tenant, payload={"note": MARK}, result={"note": MARK}, error_code="x",
                   error_message=MARK, grp=MARK, meta={"note": MARK})  # fmt: skip
    JobLine.objects.create(job=job, message=MARK)
    now = timezone.now()
    JobAttempt.objects.create(
        job=job, attempt=1, started_at=now, ended_at=now, family="bug", error_code="x", error_message=MARK, decision=""
    )
    make_dead_letter(tenant=seller.tenant, payload={"note": MARK})
    JobGroup.objects.create(name=MARK, tenant=seller.tenant)
    Schedule.objects.create(name=MARK, task="act", tenant=seller.tenant, every_s=60)
    product = make_product(seller, title=MARK, status=Product.Status.PENDING)
    connect(seller, token=MARK, catalog_id="1")
    feed = FeedImport.objects.create(seller=seller, name=MARK)
    FeedRowError.objects.create(feed=feed, number=1, code=MARK, message=MARK)
    scraping = ScrapingJob.objects.create(seller=seller, scraping_type="product", target_url=f"https://{MARK}.example/")
    preview = make_job(tenant=seller.tenant, task="preview-catalog", queue="preview", payload={"address": MARK})
    recheck = Recheck.objects.create(seller=seller, product=product, asked_by=MARK)
    verdict = Verdict.objects.create(product=product, decision="rejected", rule_version="1", input_hash="x")
    appeal = Appeal.objects.create(seller=seller, product=product, verdict=verdict, why=MARK, asked_by=MARK)
    sync = make_sync(seller, error_message=MARK)
    notification = Notification.objects.create(seller=seller, kind="sync.failed", facts={"error_message": MARK})
    webhook, _ = create_endpoint(seller, address=f"https://{MARK}.example/hook")
    message = new_message(seller_id=seller.pk, kind=MARK, data={"note": MARK})
    delivery = WebhookDelivery.objects.create(message=message, endpoint=webhook)
    generation = GenerationRequest.objects.create(seller=seller, kinds=[MARK], trigger="api")
    proposal = Proposal.objects.create(request=generation, product=product, state="ready", model=MARK)
    text = ProposedText.objects.create(proposal=proposal, field="title", text=MARK)
    photo_set = PhotoSet.objects.create(seller=seller, location=MARK, expires_at=now)
    photo = Photo.objects.create(photo_set=photo_set, position=1, name=MARK, size_bytes=9, expires_at=now)
    return Other(
        seller,
        job,
        sync,
        product,
        feed,
        scraping,
        preview,
        recheck,
        appeal,
        notification,
        webhook,
        delivery,
        generation,
        text,
        photo_set,
        photo,
    )


# What each address that a tenant may call is asked for, by its name, with the other's ids in it.
TENANTS = {
    "me": ["/api/sellers/me/"],
    "my-syncs": ["/api/sellers/me/syncs/"],
    "sync": ["/api/syncs/{sync}/"],
    "products": ["/api/products/", "/api/products/?status=pending", "/api/products/?seller={seller}"],
    "product": ["/api/products/{product}/"],
    "job": ["/api/jobs/{job}/"],
    "job-log": ["/api/jobs/{job}/log/", "/api/jobs/{job}/log/?after=0"],
    "queue-stats": ["/api/queue/stats/"],
    "my-connection": ["/api/sellers/me/connection/"],
    "my-feeds": ["/api/sellers/me/feeds/"],
    "my-feed": ["/api/sellers/me/feeds/{feed}/"],
    "my-feed-errors": ["/api/sellers/me/feeds/{feed}/errors/", "/api/sellers/me/feeds/{feed}/errors/?format=csv"],
    "my-product-links": ["/api/sellers/me/product-links/"],
    "scraping-jobs": ["/api/scraping/jobs/", "/api/scraping/jobs/?status=queued"],
    "scraping-job": ["/api/scraping/jobs/{scraping}/"],
    "previews": ["/api/scraping/preview/"],
    "preview": ["/api/scraping/preview/{preview}/"],
    "my-login": ["/api/sellers/me/login/"],
    "product-recheck": ["/api/products/{product}/recheck/"],
    "recheck": ["/api/rechecks/{recheck}/"],
    "product-appeals": ["/api/products/{product}/appeals/"],
    "appeals": ["/api/appeals/"],
    "appeal": ["/api/appeals/{appeal}/"],
    "notifications": ["/api/notifications/", "/api/notifications/?unread=true"],
    "notification": ["/api/notifications/{notification}/"],
    "notifications-read": ["/api/notifications/read/"],
    "notifications-mail": ["/api/notifications/mail/"],
    "webhooks": ["/api/webhooks/"],
    "webhook": ["/api/webhooks/{webhook}/"],
    "webhook-rotate": ["/api/webhooks/{webhook}/rotate/"],
    "webhook-test": ["/api/webhooks/{webhook}/test/"],
    "webhook-redeliver-failed": ["/api/webhooks/{webhook}/redeliver/"],
    "webhook-deliveries": ["/api/webhooks/{webhook}/deliveries/"],
    "webhook-delivery": ["/api/webhooks/{webhook}/deliveries/{delivery}/"],
    "webhook-redeliver": ["/api/webhooks/{webhook}/deliveries/{delivery}/redeliver/"],
    "generations": ["/api/generations/"],
    "generation": ["/api/generations/{generation}/"],
    "generation-proposals": ["/api/generations/{generation}/proposals/"],
    "accept-generation": ["/api/generations/{generation}/accept/"],
    "accept-text": ["/api/proposed-texts/{text}/accept/"],
    "refuse-text": ["/api/proposed-texts/{text}/refuse/"],
    "undo-text": ["/api/proposed-texts/{text}/undo/"],
    "photo-sets": ["/api/photo-sets/"],
    "photo-set": ["/api/photo-sets/{photo_set}/"],
    "photo-uploads": ["/api/photo-sets/{photo_set}/photos/"],
    "photo-upload": ["/api/photo-sets/{photo_set}/photos/{photo}/"],
    "start-photo-set": ["/api/photo-sets/{photo_set}/start/"],
    "stop-photo-set": ["/api/photo-sets/{photo_set}/stop/"],
    "photo-items": ["/api/photo-sets/{photo_set}/items/"],
    "accept-photo-set": ["/api/photo-sets/{photo_set}/accept/"],
}
# The same of the pages of sellers, for those who are logged in.
SELLER_PAGES = {
    "seller-home": ["/seller/"],
    "seller-products": ["/seller/products/", "/seller/products/?tab=review", "/seller/products/?q={product}"],
    "seller-product": ["/seller/products/{product}/"],
    "seller-check": ["/seller/products/{product}/check/"],
    "seller-recheck": ["/seller/products/{product}/recheck/"],
    "seller-appeal": ["/seller/products/{product}/appeal/"],
    "seller-appeals": ["/seller/appeals/"],
    "seller-withdraw": ["/seller/appeals/{appeal}/withdraw/"],
    "seller-switch": ["/seller/switch/"],
    "seller-proposals": ["/seller/proposals/"],
    "seller-ask-proposals": ["/seller/proposals/new/", "/seller/proposals/new/?product={product}"],
    "seller-accept-proposals": ["/seller/proposals/accept/"],
    "seller-generation": ["/seller/proposals/requests/{generation}/"],
    "seller-proposal": ["/seller/proposals/{proposal}/"],
    "seller-decide-text": ["/seller/proposals/texts/{text}/"],
    "seller-photos": ["/seller/photos/"],
    "seller-photo-set": ["/seller/photos/{photo_set}/"],
    "seller-add-photos": ["/seller/photos/{photo_set}/add/"],
    "seller-photo-upload": ["/seller/photos/{photo_set}/uploads/", "/seller/photos/{photo_set}/uploads/{photo}/"],
    "seller-inventory": ["/seller/photos/{photo_set}/inventory/"],
    "seller-photo-set-act": ["/seller/photos/{photo_set}/act/start/", "/seller/photos/{photo_set}/act/discard/"],
    "seller-remove-photo": ["/seller/photos/{photo_set}/{photo}/remove/"],
    "seller-photo-file": ["/seller/photos/{photo_set}/{photo}/picture/"],
    "seller-notifications": ["/seller/notifications/"],
    "seller-notification": ["/seller/notifications/{notification}/"],
    "seller-notifications-read": ["/seller/notifications/read/"],
    "seller-notification-preferences": ["/seller/notifications/mail/"],
    "seller-webhooks": ["/seller/webhooks/"],
    "seller-webhook": ["/seller/webhooks/{webhook}/"],
    "seller-webhook-secret": ["/seller/webhooks/{webhook}/secret/"],
    "seller-webhook-rotate": ["/seller/webhooks/{webhook}/rotate/"],
    "seller-webhook-switch": ["/seller/webhooks/{webhook}/switch/"],
    "seller-webhook-test": ["/seller/webhooks/{webhook}/test/"],
    "seller-webhook-delete": ["/seller/webhooks/{webhook}/delete/"],
    "seller-webhook-redeliver-failed": ["/seller/webhooks/{webhook}/redeliver/"],
    "seller-webhook-delivery": ["/seller/webhooks/{webhook}/{delivery}/"],
    "seller-webhook-redeliver": ["/seller/webhooks/{webhook}/{delivery}/redeliver/"],
}
# Addresses that answer everybody alike, and whose answers no tenant owns.
PUBLIC = {
    "sellers", "schema", "docs", "search", "search-suggest", "search-similar", "search-image", "businesses", "business",
    "directory-search", "home", "search-page", "similar-page", "image-page", "product-page", "live", "ready",
    "seller-login", "seller-logout", "seller-ask", "seller-join", "seller-reset", "seller-reset-confirm",
    "unsubscribe",
}  # fmt: skip


def _paths(name: str, other: Other) -> list[str]:
    ids = {
        "job": other.job, "sync": other.sync, "product": other.product, "seller": other.seller, "feed": other.feed,
        "scraping": other.scraping, "preview": other.preview, "recheck": other.recheck, "appeal": other.appeal,
        "notification": other.notification, "webhook": other.webhook, "delivery": other.delivery,
        "generation": other.generation, "text": other.text, "proposal": other.text.proposal,
        "photo_set": other.photo_set, "photo": other.photo,
    }  # fmt: skip
    return [path.format(**{part: row.pk for part, row in ids.items()}) for path in (TENANTS | SELLER_PAGES)[name]]


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if not str(pattern.pattern).startswith("admin/"):  # staff's own pages
                yield from _patterns(pattern)
        else:
            yield pattern


def _names() -> set[str]:
    """Name every address that is not staff's alone; one without a name goes by its route."""
    named = {pattern.callback: pattern.name for pattern in _patterns(get_resolver()) if pattern.name}
    found = {
        named.get(pattern.callback) or str(pattern.pattern)
        for pattern in _patterns(get_resolver())
        if not str(pattern.pattern).startswith(("admin/", "^media/"))
    }
    return {name for name in found if not name.startswith("staff-")}


def test_each_address_is_either_public_or_tried_below() -> None:
    assert _names() - PUBLIC == set(TENANTS | SELLER_PAGES), "say here how a new address is tried, or that it is public"


def test_staff_addresses_refuse_a_tenant(api: APIClient) -> None:
    routes = [
        str(pattern.pattern) for pattern in _patterns(get_resolver()) if str(pattern.pattern).startswith("admin/")
    ]
    assert len(routes) > 10
    for route in routes:
        path = "/api/" + route if "rq/" not in route else "/" + route
        path = re.sub("<[^>]+>", "1", path)
        assert api.get(path).status_code in (302, 401, 403, 404, 405)
        assert api.post(path, {"reason": "x"}).status_code in (302, 401, 403, 404, 405)


@pytest.mark.parametrize("name", sorted(TENANTS))
def test_a_tenant_never_reads_what_is_another_s(name: str, api: APIClient, other: Other) -> None:
    for path in _paths(name, other):
        answer = api.get(path)
        body = answer.content.decode()
        assert answer.status_code in (200, 404, 405), f"{path}: {answer.status_code} {body}"
        assert MARK not in body, path


@pytest.mark.parametrize("name", sorted(SELLER_PAGES))
def test_a_member_never_sees_or_does_what_is_another_s(name: str, seller: Seller, other: Other) -> None:
    client = Client()
    client.force_login(make_member(seller))
    for path in _paths(name, other):
        for answer in (client.get(path), client.post(path, {"why": "x", "seller": other.seller.pk}, follow=True)):
            assert answer.status_code in (200, 404, 405), f"{path}: {answer.status_code}"
            assert MARK not in answer.content.decode(), path
    other.appeal.refresh_from_db()
    assert (other.appeal.state, Appeal.objects.count(), Recheck.objects.count()) == ("open", 1, 1)
    before = (other.webhook.secret, other.webhook.state, other.notification.read_at, other.delivery.round)
    for row in (other.webhook, other.notification, other.delivery):
        row.refresh_from_db()
    assert (other.webhook.secret, other.webhook.state, other.notification.read_at, other.delivery.round) == before


def test_without_a_login_the_pages_of_sellers_ask_for_one(other: Other) -> None:
    for name in SELLER_PAGES:
        for path in _paths(name, other):
            answers = [Client().get(path), Client().post(path)]
            assert all(it.status_code == 405 or it["Location"].startswith("/seller/login/") for it in answers), path


@pytest.mark.parametrize("path", ["/api/jobs/{}/", "/api/jobs/{}"])
def test_a_tenant_reads_its_own(path: str, api: APIClient, seller: Seller) -> None:
    own = make_job(tenant=seller.tenant, payload={"subject": "mine"})
    answer = api.get(path.format(own.pk))
    assert (answer.status_code, answer.json()["payload"]) == (200, {"subject": "mine"})


def test_a_job_without_a_tenant_is_nobody_s(api: APIClient) -> None:
    assert api.get(f"/api/jobs/{make_job(tenant='').pk}/").status_code == 404


def test_without_a_key_nothing_of_a_tenant_answers(other: Other) -> None:
    for name in TENANTS:
        for path in _paths(name, other):
            assert Client().get(path).status_code == 401, path


# --- the reads themselves --------------------------------------------------------------------------


def test_reads_by_tenant_return_its_own_rows_alone(other: Other, seller: Seller) -> None:
    own = make_dead_letter(tenant=seller.tenant)
    make_dead_letter(tenant="")
    JobLine.objects.create(job=own.job, message="mine")
    JobGroup.objects.create(name="mine", tenant=seller.tenant)
    Schedule.objects.create(name="mine", task="act", tenant=seller.tenant, every_s=60)
    assert list(tenancy.jobs_of(seller.tenant)) == [own.job]
    assert list(tenancy.dead_letters_of(seller.tenant)) == [own]
    assert [line.message for line in tenancy.lines_of(seller.tenant, own.job_id)] == ["mine"]
    assert [one.error_message for one in tenancy.attempts_of(seller.tenant, own.job_id)] == ["It broke."]
    assert [group.name for group in tenancy.groups_of(seller.tenant)] == ["mine"]
    assert [schedule.name for schedule in tenancy.schedules_of(seller.tenant)] == ["mine"]
    assert not tenancy.lines_of(seller.tenant, other.job.pk).exists()
    assert not tenancy.attempts_of(seller.tenant, other.job.pk).exists()


def test_the_empty_tenant_reads_nothing() -> None:
    letter = make_dead_letter(tenant="")
    JobLine.objects.create(job=letter.job, message="the engine's")
    JobGroup.objects.create(name="g")
    Schedule.objects.create(name="s", task="act", every_s=60)
    for rows in (
        tenancy.jobs_of(""), tenancy.dead_letters_of(""), tenancy.lines_of("", letter.job_id),
        tenancy.attempts_of("", letter.job_id), tenancy.groups_of(""), tenancy.schedules_of(""),
    ):  # fmt: skip
        assert not rows.exists()
    assert tenancy.events_of("") == []
    assert tenancy.stats_of("").by_task == {}


def test_figures_count_the_tenant_s_own(other: Other, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dead_letter(tenant=seller.tenant)
    for _ in range(3):
        make_job(tenant=seller.tenant, task="act-each")
    stats = tenancy.stats_of(seller.tenant)
    assert {state: count for state, count in stats.by_state.items() if count} == {"pending": 3, "failed": 1}
    assert (stats.by_task, stats.open_dead_letters, stats.is_capped) == ({"act-each": 3, "act": 1}, 1, False)
    monkeypatch.setattr("jobs.tenancy.MAX_COUNTED", 2)
    capped = tenancy.stats_of(seller.tenant)
    assert (capped.by_task, capped.is_capped) == ({"act-each": 2}, True)


@pytest.mark.django_db(transaction=True)
def test_events_tell_a_tenant_of_its_own_jobs(seller: Seller) -> None:
    transport().flushdb()
    JobEvent.objects.create(
        kind="completed", ids=[1, 2, 3], tasks=["act"] * 3, tenants=[seller.tenant, "9999", ""], groups=[None] * 3
    )
    relay()
    assert [(event.kind, event.jobs) for event in tenancy.events_of(seller.tenant)] == [
        ("completed", [[1, "act", None]]),
    ]
