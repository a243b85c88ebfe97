"""Every task of the product, run twice to its settlement: under two leases, by two workers, to one effect.

The second run comes about as after a crash whose settlement nobody saw: the row is due again, as a suspect.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import models
from django.utils import timezone

from catalog import index
from catalog.browser import close_process_browser
from catalog.embedders.current import EMBEDDERS
from catalog.embedders.hashing import HashingEmbedder
from catalog.generation.models import GenerationRequest, Proposal
from catalog.indexes import flushing
from catalog.indexes.active import active_index
from catalog.indexing import Purpose, mark_live, write_products
from catalog.models import Domain as SiteDomain
from catalog.models import MilestoneMinute, ScrapingJob, SearchIndex, SearchMinute, SearchQuery
from catalog.photos.models import PhotoSet
from catalog.photos.sets import begin_set
from catalog.ranking.vocabulary import forget_vocabulary
from catalog.robots import forget_rules
from catalog.scraping.contract import Step
from catalog.scraping.frontier import begin, frontier_to_json
from catalog.sources.source import CategoryStep, ListPage
from catalog.tasks.scraping import SITE
from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.ledger import enqueue_many
from jobs.models import DeadLetter, Gate, Job, JobAttempt, JobGroup, Worker
from jobs.registry import Task, all_tasks, get_task
from jobs.session import Session, set_current_session
from marketplace.accounts.models import Invitation
from marketplace.demo.sample_catalog.products import make_edition
from marketplace.models import DirectoryEntry, Product, Seller, SyncRun
from marketplace.notifications.grouping import mail_instantly
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import Mail, Notification, OutboxEntry
from marketplace.rechecks.models import Recheck
from marketplace.webhooks.endpoints import change_endpoint, create_endpoint
from marketplace.webhooks.models import WebhookDelivery
from marketplace.webhooks.publishing import new_message
from qc.models import RuleTrial, RuleTrialChange, Verdict
from tests.catalog.conftest import drop_collections
from tests.catalog.indexes.embedders import OtherEmbedder
from tests.catalog.photos.conftest import bring, views
from tests.catalog.products import add_picture, make_product, make_seller, make_sync
from tests.fakes.gemini import GeminiApi
from tests.fakes.receiver import webhook_receiver
from tests.marketplace.factories import make_member
from tests.sample_shop import sample_catalog

pytestmark = pytest.mark.django_db
FINGERPRINT = HashingEmbedder.fingerprint
PRODUCTS = 16
EDITION = make_edition(count=PRODUCTS, seed=1, number=1)
COLLECTIONS = Counter(slug for product in EDITION.products for slug in product.collections)
FIRST = EDITION.products[0].collections[0]
DOMAIN = ("marketplace", "catalog", "qc")
ASKS_GEMINI = {"ai_generation"}
FINDINGS = {"reconciliation"}  # what a second look finds is what the first one left

Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """The sample catalog, served; and a sync of its seller whose lists have been read."""

    address: str
    sync: SyncRun
    receiver: str  # of webhooks

    @property
    def site(self) -> str:
        return self.address.partition("/c/")[0]

    def job(self, task: str, product: Product, **payload: Any) -> NewJob:
        """Return the job by which a product comes to a stage."""
        payload = {"sync": self.sync.pk, "product": product.pk, **payload}
        key = f"{self.sync.pk}:{product.pk}"
        return NewJob(task, payload, tenant=self.sync.seller.tenant, key=key, group=self.sync.group)


Arrange = Callable[[Shop], Sequence[NewJob]]


@dataclass(frozen=True, slots=True)
class Case:
    """How a task is run twice, and what its first run changes: parts of the snapshot, jobs by task."""

    arrange: Arrange
    changes: frozenset[str]
    follow_ups: Mapping[str, int]


CASES: dict[str, Case] = {}
NO_CASE = (
    "{name} has no case here. Add a function that arranges rows and returns the jobs to run, under "
    '@case("{name}", changes={{...}}, follow_ups={{...}}): the parts of the snapshot that the first run changes, and '
    "how many jobs of which task it starts."
)


def case(task: str, *, changes: set[str], follow_ups: Mapping[str, int] | None = None) -> Callable[[Arrange], Arrange]:
    def declare(arrange: Arrange) -> Arrange:
        CASES[task] = Case(arrange, frozenset(changes), follow_ups or {})
        return arrange

    return declare


@case("sync-seller", changes={"gates", "follow-ups"}, follow_ups={"scrape-catalog": 1})
def _an_address(shop: Shop) -> Sequence[NewJob]:
    payload = {"sync": shop.sync.pk, "seller": shop.sync.seller_id, "address": shop.address}
    return [NewJob("sync-seller", payload, tenant=shop.sync.seller.tenant, group=shop.sync.group)]


@case(
    "scrape-catalog",
    changes={"Category", "Product", "ProductCategory", "Site", "gates", "follow-ups"},
    follow_ups={"scrape-catalog": len(COLLECTIONS), "scrape-product": COLLECTIONS[FIRST]},
)
def _a_start_page_and_a_collection(shop: Shop) -> Sequence[NewJob]:
    collection = f"{shop.address}/{FIRST}"
    lists = (
        ListPage("", shop.address, kind=SITE),
        ListPage("whatsapp", collection, paths=((CategoryStep("First", collection),),)),
    )
    return [
        NewJob(
            "scrape-catalog",
            {"sync": shop.sync.pk, **asdict(page)},
            tenant=shop.sync.seller.tenant,
            group=shop.sync.group,
        )
        for page in lists
    ]


@case("scrape-product", changes={"Product", "follow-ups"}, follow_ups={"process-images": 3})
def _pages_of_which_two_say_the_same(shop: Shop) -> Sequence[NewJob]:
    one, other = EDITION.products[:2]
    listed = [
        make_product(shop.sync, "", address=f"{shop.site}/p/{it.id}/{shop.address.rpartition('/')[2]}", content_hash="")
        for it in (one, other, one)
    ]
    return [shop.job("scrape-product", product) for product in listed]


@case(
    "recheck-product",
    changes={"Recheck", "gates", "follow-ups"},
    follow_ups={"scrape-product": 1, "quality-control": 1},
)
def _a_product_with_a_page_and_one_of_a_feed(shop: Shop) -> Sequence[NewJob]:
    address = f"{shop.site}/p/{EDITION.products[0].id}/{shop.address.rpartition('/')[2]}"
    products = [
        make_product(shop.sync, "Red lamp", address=address, status="rejected"),
        make_product(shop.sync, "Blue lamp", external_id="feed:7", status="rejected"),
    ]
    return [
        shop.job("recheck-product", it, recheck=Recheck.objects.create(product=it, seller=it.seller, asked_by="x").pk)
        for it in products
    ]


@case("process-images", changes={"Picture", "Product", "files", "follow-ups"}, follow_ups={"generate-embedding": 2})
def _pictures_of_a_product_and_its_copy_of_which_one_is_missing(shop: Shop) -> Sequence[NewJob]:
    shown, missing = (f"{shop.site}/media/{name}.jpg" for name in (f"{EDITION.products[0].id}-1", "none"))
    galleries = ([shown, missing], [shown])
    products = [make_product(shop.sync, "Red lamp", picture_addresses=addresses) for addresses in galleries]
    return [shop.job("process-images", product) for product in products]


@case(
    "generate-embedding",
    changes={"StoredVector", "Product", "SearchDocument", "index rows", "follow-ups"},
    follow_ups={"quality-control": 3, "flush-search-index": 1},
)
def _products_of_which_two_have_equal_texts(shop: Shop) -> Sequence[NewJob]:
    products = [make_product(shop.sync, title) for title in ("Red lamp", "Red lamp", "Blue lamp")]
    return [shop.job("generate-embedding", product) for product in products]


@case(
    "quality-control",
    changes={"Verdict", "Product", "ShopLanguage", "OutboxEntry", "follow-ups"},
    follow_ups={"index-product": 1, "notify-seller": 1},
)
def _a_product_that_is_fit_and_one_without_price(shop: Shop) -> Sequence[NewJob]:
    products = [make_product(shop.sync, "Red lamp"), make_product(shop.sync, "Blue lamp", price=None)]
    for product in products:
        add_picture(product)
    return [shop.job("quality-control", product) for product in products]


@case("review-again", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_waits_for_the_reviewer_and_one_for_staff(shop: Shop) -> Sequence[NewJob]:
    for title, code in (("Red lamp", "review.unavailable"), ("Blue lamp", "review.counterfeit")):
        make_product(shop.sync, title, status="flagged", reasons=[{"code": code}])
    return [NewJob("review-again", {})]


@case("try-rules", changes={"RuleTrial", "RuleTrialChange", "follow-ups"}, follow_ups={"try-rules": 1})
def _a_trial_that_was_saved_before_its_end(shop: Shop) -> Sequence[NewJob]:
    product = make_product(shop.sync, "Red lamp", price=None)
    _judge(product, "rejected")
    trial = _trial(judges_again=True)
    return [NewJob("try-rules", {"trial": trial.pk, "after": 0, "late": False})]


@case("apply-rules", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_new_rules_concern_and_one_that_is_gone(shop: Shop) -> Sequence[NewJob]:
    trial = _trial(judges_again=True)
    for title, status in (("Red lamp", "rejected"), ("Blue lamp", "gone")):
        product = make_product(shop.sync, title, status=status)
        RuleTrialChange.objects.create(
            trial=trial, product=product, kind="decision", before="rejected", after="approved"
        )
    return [NewJob("apply-rules", {"trial": trial.pk, "after": 0})]


@case("judge-outdated", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_earlier_rules_judged_and_one_that_is_gone(shop: Shop) -> Sequence[NewJob]:
    for title, status in (("Red lamp", "rejected"), ("Blue lamp", "gone")):
        _judge(make_product(shop.sync, title, status=status), "rejected")
    return [NewJob("judge-outdated", {"run": 1, "after": 0})]


def _trial(**fields: Any) -> RuleTrial:
    return RuleTrial.objects.create(changes={"price.missing": {"is_on": False}}, **fields)


@case(
    "index-product",
    changes={"StoredVector", "Product", "SearchDocument", "index rows", "shown", "index version"},
)
def _products_to_show_to_hide_and_to_repair(shop: Shop) -> Sequence[NewJob]:
    fit, unfit, changed = (make_product(shop.sync, title) for title in ("Red lamp", "Blue lamp", "Green lamp"))
    _show(unfit, changed)
    _judge(fit, "approved")
    _judge(unfit, "rejected")
    Product.objects.filter(pk=changed.pk).update(title="Green lamp, new season")
    repair = shop.job("index-product", changed, repair=True)
    return [*(shop.job("index-product", product) for product in (fit, unfit)), repair]


@case(
    "finish-sync",
    changes={"Product", "SyncRun", "OutboxEntry", "follow-ups"},
    follow_ups={"index-product": 2, "notify-seller": 1},
)
def _a_product_that_vanished_and_one_that_is_shown_wrongly(shop: Shop) -> Sequence[NewJob]:
    gone, changed, right = (make_product(shop.sync, title) for title in ("Red lamp", "Blue lamp", "Green lamp"))
    _show(gone, changed, right)
    Product.objects.filter(pk=gone.pk).update(last_sync=None)
    Product.objects.filter(pk=changed.pk).update(title="Blue lamp, new season")
    return [NewJob("finish-sync", {"sync": shop.sync.pk}, tenant=shop.sync.seller.tenant)]


@case("flush-search-index", changes=set())
def _rows_that_are_not_flushed(shop: Shop) -> Sequence[NewJob]:
    _show(make_product(shop.sync, "Red lamp"))
    return [NewJob("flush-search-index", {})]


@case("build-search-index", changes={"SearchIndex", "follow-ups"}, follow_ups={"build-search-index": 1})
def _the_first_step_of_another_index(shop: Shop) -> Sequence[NewJob]:
    row = SearchIndex.objects.create(embedder="other")
    return [NewJob("build-search-index", {"index": row.pk, "step": 0})]


@case(
    "reconcile-index",
    changes={"StoredVector", "SearchIndex", "SearchDocument", "index rows", "shown", "index version", "follow-ups"},
    follow_ups={"flush-search-index": 1},
)
def _a_live_product_that_the_index_lacks(shop: Shop) -> Sequence[NewJob]:
    product = make_product(shop.sync, "Red lamp", status="live")
    _judge(product, "approved")
    return [NewJob("reconcile-index", {})]


@case("sweep-search-indexes", changes=set())
def _an_index_that_was_retired_long_ago(shop: Shop) -> Sequence[NewJob]:
    SearchIndex.objects.create(
        embedder="other", state="retired", fingerprint="old_v1", retired_at=timezone.now() - timedelta(hours=2)
    )
    return [NewJob("sweep-search-indexes", {})]


@case("refresh-vocabulary", changes={"Vocabulary", "index version"})
def _words_that_were_never_counted(shop: Shop) -> Sequence[NewJob]:
    _show(make_product(shop.sync, "Red lamp"))
    return [NewJob("refresh-vocabulary", {})]


@case("sweep-search-counts", changes={"SearchMinute", "SearchQuery"})
def _searches_of_long_ago_and_of_today(shop: Shop) -> Sequence[NewJob]:
    now = timezone.now()
    for age in (timedelta(0), timedelta(days=365)):
        SearchMinute.objects.create(minute=now - age, name="searches", count=1)
        SearchQuery.objects.create(day=(now - age).date(), query="lamp", searches=1)
    return [NewJob("sweep-search-counts", {})]


@case("resync-sellers", changes={"SyncRun", "groups", "follow-ups"}, follow_ups={"sync-seller": 2})
def _sellers_who_are_overdue(shop: Shop) -> Sequence[NewJob]:
    """Two are overdue, and the shop's own sync still runs."""
    for name in ("Quay Street", "Mill Lane"):
        make_seller(name)
    Seller.objects.update(created_at=timezone.now() - timedelta(days=2))
    return [NewJob("resync-sellers", {}, meta={"due_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat()})]


@case("run-scraping", changes={"ScrapingJob"})
def _a_product_s_own_page(shop: Shop) -> Sequence[NewJob]:
    page = f"{shop.site}/p/{EDITION.products[0].id}/{shop.address.rpartition('/')[2]}"
    row = ScrapingJob.objects.create(
        seller=shop.sync.seller,
        scraping_type="product",
        target_url=page,
        frontier=frontier_to_json(begin(Step("product", page))),
    )
    return [NewJob("run-scraping", {"scraping_job": str(row.pk), "number": 0}, tenant=shop.sync.seller.tenant)]


@case("preview-catalog", changes=set())
def _an_address_to_look_at(shop: Shop) -> Sequence[NewJob]:
    return [NewJob("preview-catalog", {"address": shop.address}, tenant=shop.sync.seller.tenant)]


@case("sweep-scraping-results", changes={"ScrapingJob"})
def _a_result_whose_time_is_over(shop: Shop) -> Sequence[NewJob]:
    for age_days in (1, -1):
        ScrapingJob.objects.create(
            scraping_type="product", target_url=shop.address, status="completed",
            expires_at=timezone.now() - timedelta(days=age_days),
        )  # fmt: skip
    return [NewJob("sweep-scraping-results", {})]


@case("generate-business-embedding", changes={"DirectoryEntry", "StoredVector"})
def _businesses_of_which_two_say_the_same(shop: Shop) -> Sequence[NewJob]:
    entries = [DirectoryEntry.objects.create(name=name) for name in ("Harbour Bakery", "HARBOUR bakery", "Lamps")]
    return [NewJob("generate-business-embedding", {"businessId": entry.pk, "operation": "create"}) for entry in entries]


@case(
    "refresh-directory",
    changes={"DirectoryEntry", "follow-ups"},
    follow_ups={"generate-business-embedding": 2},
)
def _a_seller_without_an_entry_and_an_entry_without_a_vector(shop: Shop) -> Sequence[NewJob]:
    DirectoryEntry.objects.create(name="Harbour Bakery")
    return [NewJob("refresh-directory", {})]


@case(
    "notify-seller",
    changes={"OutboxEntry", "Notification", "Mail", "WebhookMessage", "WebhookDelivery", "follow-ups"},
    follow_ups={"send-mail": 1, "deliver-webhook": 1},
)
def _a_failed_sync_to_tell_of(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    create_endpoint(seller, address="https://shop.example/hook")
    entry = OutboxEntry.objects.create(seller=seller, kind=Kind.SYNC_FAILED)
    return [NewJob("notify-seller", {"entry": entry.pk}, tenant=seller.tenant)]


@case("send-mail", changes={"Mail"})
def _a_mail_that_was_not_sent(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    mail = mail_instantly(Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED), to=seller.email)
    Job.objects.filter(task="send-mail").delete()
    return [NewJob("send-mail", {"mail": mail.pk}, tenant=seller.tenant)]


@case(
    "send-digests",
    changes={"OutboxEntry", "Notification", "Mail", "follow-ups"},
    follow_ups={"send-mail": 1},
)
def _a_notification_for_the_digest_and_an_entry_left_behind(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    Notification.objects.create(seller=seller, kind=Kind.SYNC_FINISHED, mail_mode="digest")
    Notification.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    OutboxEntry.objects.create(seller=seller, kind=Kind.PROPOSALS_READY)
    OutboxEntry.objects.update(told_at=timezone.now() - timedelta(hours=3))
    return [NewJob("send-digests", {}, meta={"due_at": datetime(2026, 1, 1, 7, 7, tzinfo=UTC).isoformat()})]


@case("sweep-notifications", changes={"OutboxEntry", "Notification", "Mail", "WebhookMessage", "WebhookDelivery"})
def _what_was_told_long_ago(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    endpoint, _ = create_endpoint(seller, address="https://shop.example/hook")
    for age in (timedelta(days=1), timedelta(days=365)):
        at = timezone.now() - age
        mail = Mail.objects.create(seller=seller, to=seller.email)
        told = Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED, mail=mail)
        entry = OutboxEntry.objects.create(seller=seller, kind=Kind.SYNC_FAILED, notification=told)
        message = new_message(seller_id=seller.pk, kind=Kind.SYNC_FAILED, data={})
        WebhookDelivery.objects.create(message=message, endpoint=endpoint)
        for row in (mail, told, message):
            type(row).objects.filter(pk=row.pk).update(created_at=at)
        OutboxEntry.objects.filter(pk=entry.pk).update(told_at=at)
    return [NewJob("sweep-notifications", {})]


@case("mail-login", changes={"Invitation"})
def _an_address_with_a_shop_and_one_without(shop: Shop) -> Sequence[NewJob]:
    return [NewJob("mail-login", {"email": email}) for email in (_with_mail(shop).email, "bob@lamps.example")]


@case("mail-new-password", changes=set())
def _an_address_with_a_login_and_one_without(shop: Shop) -> Sequence[NewJob]:
    make_member(shop.sync.seller, email="ada@lamps.example")
    return [NewJob("mail-new-password", {"email": email}) for email in ("ada@lamps.example", "bob@lamps.example")]


@case("sweep-history", changes={"Invitation", "Recheck"})
def _what_ended_long_ago_and_lately(shop: Shop) -> Sequence[NewJob]:
    seller, product = shop.sync.seller, make_product(shop.sync, "lamp red")
    for age in (timedelta(days=1), timedelta(days=365)):
        at = timezone.now() - age
        Invitation.objects.create(seller=seller, email="ada@lamps.example", token_sha256=str(age), expires_at=at)
        recheck = Recheck.objects.create(seller=seller, product=product, asked_by="ada")
        Recheck.objects.filter(pk=recheck.pk).update(asked_at=at)
    return [NewJob("sweep-history", {})]


@case("sweep-generations", changes={"GenerationRequest", "Proposal"})
def _requests_that_ended_long_ago_and_lately(shop: Shop) -> Sequence[NewJob]:
    for age in (timedelta(days=1), timedelta(days=365)):
        request = _proposals(shop, states=("ready",))[0].request
        GenerationRequest.objects.filter(pk=request.pk).update(finished_at=timezone.now() - age)
    return [NewJob("sweep-generations", {})]


@case("deliver-webhook", changes={"WebhookDelivery", "WebhookAttempt"})
def _messages_to_one_that_takes_them_and_one_that_is_off(shop: Shop) -> Sequence[NewJob]:
    seller = shop.sync.seller
    deliveries = []
    for is_active in (True, False):
        endpoint, _ = create_endpoint(seller, address=f"{shop.receiver}/hook")
        change_endpoint(endpoint, is_active=is_active)
        message = new_message(seller_id=seller.pk, kind=Kind.SYNC_FAILED, data={})
        deliveries.append(WebhookDelivery.objects.create(message=message, endpoint=endpoint))
    return [NewJob("deliver-webhook", {"delivery": it.pk}, tenant=seller.tenant) for it in deliveries]


def _with_mail(shop: Shop) -> Seller:
    Seller.objects.filter(pk=shop.sync.seller_id).update(email="ada@lamps.example")
    return Seller.objects.get(pk=shop.sync.seller_id)


@case("ai_generation", changes={"Proposal", "ProposedText", "GeminiMinute"})
def _a_product_to_write_for_and_one_that_is_written_for(shop: Shop) -> Sequence[NewJob]:
    return [
        NewJob("ai_generation", {"proposal": proposal.pk}, tenant=shop.sync.seller.tenant)
        for proposal in _proposals(shop, states=("waiting", "ready"))
    ]


@case("photo_processing", changes={"PhotoSet", "PhotoItem", "Photo", "OutboxEntry", "follow-ups"},
      follow_ups={"notify-seller": 1})  # fmt: skip
def _a_set_of_photos_and_one_that_is_not_wanted_any_more(shop: Shop) -> Sequence[NewJob]:
    sets = [begin_set(shop.sync.seller, location=name, description="") for name in ("Attic", "Cellar")]
    bring(sets[0], views((190, 40, 40)))
    PhotoSet.objects.filter(pk=sets[0].pk).update(status="queued")
    return [NewJob("photo_processing", {"photo_set": str(it.pk)}, tenant=shop.sync.seller.tenant) for it in sets]


@case("sweep-photo-sets", changes={"PhotoSet", "Photo"})
def _a_set_of_photos_whose_time_is_over(shop: Shop) -> Sequence[NewJob]:
    for age_days in (1, -1):
        photo_set = begin_set(shop.sync.seller, location="", description="")
        bring(photo_set, views((190, 40, 40)))
        PhotoSet.objects.filter(pk=photo_set.pk).update(expires_at=timezone.now() - timedelta(days=age_days))
    return [NewJob("sweep-photo-sets", {})]


@case("finish-generation", changes={"Proposal", "OutboxEntry", "follow-ups"}, follow_ups={"notify-seller": 1})
def _a_request_of_which_one_job_was_cancelled(shop: Shop) -> Sequence[NewJob]:
    request = _proposals(shop, states=("waiting", "ready"))[0].request
    return [NewJob("finish-generation", {"request": str(request.pk)}, tenant=shop.sync.seller.tenant)]


def _proposals(shop: Shop, *, states: Sequence[str]) -> list[Proposal]:
    request = GenerationRequest.objects.create(seller=shop.sync.seller, kinds=["title"], trigger="api")
    return [
        Proposal.objects.create(request=request, product=make_product(shop.sync, "lamp red"), state=state)
        for state in states
    ]


def _show(*products: Product) -> None:
    for product in products:
        _judge(product, "approved")
    shown = write_products([it.pk for it in products], purpose=Purpose.SHOW, embedder=HashingEmbedder()).shown
    assert mark_live(shown) == len(products)


def _judge(product: Product, decision: str) -> None:
    Verdict.objects.create(product=product, decision=decision, rule_version="1", input_hash="x")


def _product_tasks() -> list[Task]:
    return [task for task in all_tasks() if not task.handler.__module__.startswith("tests.")]


@pytest.fixture(scope="module")
def catalog_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sample_catalog(tmp_path_factory.mktemp("sample"), products=PRODUCTS) as address:
        yield address
    close_process_browser()


@pytest.fixture(scope="module")
def collection() -> Iterator[str]:
    """The index for all cases: making one takes Milvus a second, and no id of a product comes twice."""
    name = f"test_{uuid4().hex[:12]}"
    yield name
    drop_collections(name)


@pytest.fixture
def shop(
    db: None,
    catalog_address: str,
    collection: str,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gemini_api: GeminiApi,
    request: pytest.FixtureRequest,
) -> Iterator[Shop]:
    host = catalog_address.split("/")[2]
    settings.WHATSAPP_HOSTS = [host]
    settings.FETCH_RATES = {host: 1_000.0}
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PHOTO_DIR = tmp_path / "photos"
    settings.INDEX_COLLECTION = collection
    cache.clear()
    forget_rules()
    forget_vocabulary()
    monkeypatch.setitem(EMBEDDERS, "other", OtherEmbedder)
    monkeypatch.setattr(flushing, "EVERY_S", 10**9)  # whoever asks, asks for the same flush
    if request.node.callspec.params["task"] not in ASKS_GEMINI:
        settings.GEMINI_API_KEY = ""
    gemini_api.think = lambda _: '{"title": "Red lamp"}'
    active_index()
    with index.write_lock():
        index.ensure_collection(FINGERPRINT)
    with webhook_receiver() as receiver:
        settings.FETCH_PRIVATE_HOSTS = [host, receiver.host]
        yield Shop(address=catalog_address, sync=make_sync(make_seller()), receiver=receiver.origin)
    set_current_session(None)


@pytest.mark.parametrize("task", [task.name for task in _product_tasks()])
def test_a_task_that_is_run_twice_has_one_effect(shop: Shop, task: str) -> None:
    if task not in CASES:
        pytest.fail(NO_CASE.format(name=task))
    subjects = [it.job_id for it in enqueue_many(CASES[task].arrange(shop))]
    before = _snapshot(subjects)

    _run(task, subjects, worker="first")
    once = _snapshot(subjects)
    _make_due_again(subjects)
    _run(task, subjects, worker="second")
    twice = _snapshot(subjects)

    assert set(_changes(before, once)) == CASES[task].changes
    assert _tasks_of(once) - _tasks_of(before) == Counter(CASES[task].follow_ups)
    assert once["failures"] == []
    assert _changes(once, twice) == {}


def test_every_case_is_of_a_task_that_is_declared() -> None:
    assert set(CASES) <= {task.name for task in _product_tasks()}


def _run(task: str, subjects: Sequence[int], *, worker: str) -> None:
    """Run the jobs to their settlement on a worker of their own."""
    session = Session(name=worker, queues=[])
    session.worker_id = Worker.objects.create(name=worker, hostname="here", pid=1, queues=[]).pk
    set_current_session(session)
    leases = dict(Job.objects.filter(pk__in=subjects).values_list("pk", "lease"))
    claimed = 0
    while claimed < len(subjects):
        limit = min(get_task(task).batch_size, len(subjects) - claimed)
        claimed += run_once(get_task(task).queue, session=session, limit=limit)
    ran = Job.objects.filter(pk__in=subjects, state="completed", task=task)
    assert dict(ran.values_list("pk", "lease")) == {pk: lease + 1 for pk, lease in leases.items()}


def _make_due_again(subjects: Sequence[int]) -> None:
    """Undo what the settlement did to the rows themselves; suspects are claimed before what follows them."""
    Job.objects.filter(pk__in=subjects).update(
        state="pending", attempt=0, worker=None, is_suspect=True, result=None, finished_at=None
    )


def _snapshot(subjects: Sequence[int]) -> Snapshot:
    """Return all that a task may leave behind, without instants: the domain's rows with their ids, files, the index.

    How a site bore our requests is counted by request, and who asks twice is counted twice.

    Of the engine's tables: the other jobs, groups, gates, and what tells of failures. What counts executions is left
    out: two have run.
    """
    products = list(Product.objects.values_list("pk", flat=True))
    fields = ("pk", "task", "key", "tenant", "priority", "grp", "gate", "payload", "state")
    media = Path(django_settings.MEDIA_ROOT)
    return {
        **{
            model.__name__: _rows(model)
            for name in DOMAIN
            for model in apps.get_app_config(name).get_models()
            if model not in (MilestoneMinute, SiteDomain)
        },
        "files": sorted(
            (str(path.relative_to(media)), sha256(path.read_bytes()).hexdigest()) for path in media.rglob("*.*")
        ),
        "index rows": index.row_hashes(FINGERPRINT, products),
        "shown": [index.visible_rows(FINGERPRINT, seller.pk) for seller in Seller.objects.all()],
        "index version": index.changes(),
        "follow-ups": list(Job.objects.exclude(pk__in=subjects).order_by("pk").values(*fields)),
        "groups": list(JobGroup.objects.order_by("name").values("name", "then_task", "then_payload", "outcome")),
        "gates": list(Gate.objects.order_by("key").values("key", "rate_per_s", "burst", "is_paused")),
        "failures": [*JobAttempt.objects.values("job", "error_code"), *DeadLetter.objects.values("job", "reason")],
    }


def _changes(earlier: Snapshot, later: Snapshot) -> Snapshot:
    """Return the parts of the later snapshot that are not as they were."""
    return {part: held for part, held in later.items() if held != earlier[part]}


def _rows(model: type[models.Model]) -> list[tuple[Any, ...]]:
    fields = [
        it.attname
        for it in model._meta.concrete_fields
        if not isinstance(it, models.DateTimeField) and it.name not in FINDINGS
    ]
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in model._default_manager.order_by("pk").values_list(*fields)
    ]


def _tasks_of(snapshot: Snapshot) -> Counter[str]:
    return Counter(job["task"] for job in snapshot["follow-ups"])
