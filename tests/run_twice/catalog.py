"""The catalog's tasks."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.utils import timezone

from catalog.generation.models import GenerationRequest, Proposal
from catalog.models import ScrapingJob, SearchIndex, SearchMinute, SearchQuery
from catalog.photos.models import PhotoSet
from catalog.photos.sets import begin_set
from catalog.scraping.contract import Step
from catalog.scraping.frontier import begin, frontier_to_json
from catalog.sources.source import CategoryStep, ListPage
from catalog.tasks.scraping import SITE
from jobs.batch import NewJob
from marketplace.models import DirectoryEntry, Product
from marketplace.rechecks.models import Recheck
from tests.catalog.photos.conftest import bring, views
from tests.catalog.products import make_product
from tests.run_twice.case import COLLECTIONS, EDITION, FIRST, Case, Shop, declare, judge, show

CASES: dict[str, Case] = {}
case = partial(declare, CASES)


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


@case(
    "generate-embedding",
    changes={"StoredVector", "Product", "SearchDocument", "index rows", "follow-ups"},
    follow_ups={"quality-control": 3, "flush-search-index": 1},
)
def _products_of_which_two_have_equal_texts(shop: Shop) -> Sequence[NewJob]:
    products = [make_product(shop.sync, title) for title in ("Red lamp", "Red lamp", "Blue lamp")]
    return [shop.job("generate-embedding", product) for product in products]


@case(
    "index-product",
    changes={"StoredVector", "Product", "SearchDocument", "index rows", "shown", "index version"},
)
def _products_to_show_to_hide_and_to_repair(shop: Shop) -> Sequence[NewJob]:
    fit, unfit, changed = (make_product(shop.sync, title) for title in ("Red lamp", "Blue lamp", "Green lamp"))
    show(unfit, changed)
    judge(fit, "approved")
    judge(unfit, "rejected")
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
    show(gone, changed, right)
    Product.objects.filter(pk=gone.pk).update(last_sync=None)
    Product.objects.filter(pk=changed.pk).update(title="Blue lamp, new season")
    return [NewJob("finish-sync", {"sync": shop.sync.pk}, tenant=shop.sync.seller.tenant)]


@case("flush-search-index", changes=set())
def _rows_that_are_not_flushed(shop: Shop) -> Sequence[NewJob]:
    show(make_product(shop.sync, "Red lamp"))
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
    judge(product, "approved")
    return [NewJob("reconcile-index", {})]


@case("sweep-search-indexes", changes=set())
def _an_index_that_was_retired_long_ago(shop: Shop) -> Sequence[NewJob]:
    SearchIndex.objects.create(
        embedder="other", state="retired", fingerprint="old_v1", retired_at=timezone.now() - timedelta(hours=2)
    )
    return [NewJob("sweep-search-indexes", {})]


@case("refresh-vocabulary", changes={"Vocabulary", "index version"})
def _words_that_were_never_counted(shop: Shop) -> Sequence[NewJob]:
    show(make_product(shop.sync, "Red lamp"))
    return [NewJob("refresh-vocabulary", {})]


@case("sweep-search-counts", changes={"SearchMinute", "SearchQuery"})
def _searches_of_long_ago_and_of_today(shop: Shop) -> Sequence[NewJob]:
    now = timezone.now()
    for age in (timedelta(0), timedelta(days=365)):
        SearchMinute.objects.create(minute=now - age, name="searches", count=1)
        SearchQuery.objects.create(day=(now - age).date(), query="lamp", searches=1)
    return [NewJob("sweep-search-counts", {})]


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


@case("sweep-generations", changes={"GenerationRequest", "Proposal"})
def _requests_that_ended_long_ago_and_lately(shop: Shop) -> Sequence[NewJob]:
    for age in (timedelta(days=1), timedelta(days=365)):
        request = _proposals(shop, states=("ready",))[0].request
        GenerationRequest.objects.filter(pk=request.pk).update(finished_at=timezone.now() - age)
    return [NewJob("sweep-generations", {})]


def _proposals(shop: Shop, *, states: Sequence[str]) -> list[Proposal]:
    request = GenerationRequest.objects.create(seller=shop.sync.seller, kinds=["title"], trigger="api")
    return [
        Proposal.objects.create(request=request, product=make_product(shop.sync, "lamp red"), state=state)
        for state in states
    ]
