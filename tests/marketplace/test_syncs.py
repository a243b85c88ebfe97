"""How a sync starts and how far it is."""

import threading

import pytest
from django.db import connection

from jobs.admission import TooManyJobs
from jobs.models import Audit, Job, JobGroup, Tenant
from marketplace import syncs
from marketplace.models import Seller, SyncRun
from tests.marketplace.factories import make_dead_letter, make_job, make_product, make_seller, make_sync


def test_starting_opens_the_group_and_enqueues_the_first_job(seller: Seller) -> None:
    sync, is_new = syncs.start_sync(seller=seller, trigger="api")
    assert is_new
    assert (sync.status, sync.trigger, sync.catalog_address) == ("running", "api", seller.catalog_address)
    job = Job.objects.get()
    assert (job.task, job.grp, job.key, job.tenant) == (
        "sync-seller",
        f"sync:{sync.pk}",
        f"{sync.pk}:{seller.pk}",
        str(seller.pk),
    )
    assert job.payload == {"sync": sync.pk, "seller": seller.pk, "address": seller.catalog_address}
    group = JobGroup.objects.get()
    assert (group.name, group.then_task, group.then_payload) == (job.grp, "finish-sync", {"sync": sync.pk})


@pytest.mark.parametrize(("plan", "priority"), [("free", "NORMAL"), ("standard", "NORMAL"), ("premium", "HIGH")])
def test_premium_sellers_go_first(db: None, plan: str, priority: str) -> None:
    syncs.start_sync(seller=make_seller(plan=plan), trigger="api")
    assert Job.objects.get().get_priority_display().upper() == priority


def test_a_second_start_answers_with_the_running_sync(seller: Seller) -> None:
    first, _ = syncs.start_sync(seller=seller, trigger="api")
    second, is_new = syncs.start_sync(seller=seller, trigger="command")
    assert (second, is_new) == (first, False)
    assert Job.objects.count() == 1


def test_after_the_end_a_new_sync_starts(seller: Seller) -> None:
    first, _ = syncs.start_sync(seller=seller, trigger="api")
    SyncRun.objects.filter(pk=first.pk).update(status="finished")
    second, is_new = syncs.start_sync(seller=seller, trigger="api")
    assert is_new
    assert second.pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_of_many_starts_at_once_one_wins() -> None:
    seller = make_seller()
    barrier = threading.Barrier(6)
    answers: list[tuple[int, bool]] = []

    def start() -> None:
        barrier.wait(timeout=20)
        sync, is_new = syncs.start_sync(seller=seller, trigger="api")
        answers.append((sync.pk, is_new))
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(answers) == 6
    assert len({pk for pk, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert (SyncRun.objects.count(), Job.objects.count(), JobGroup.objects.count()) == (1, 1, 1)


def test_without_an_address_there_is_nothing_to_sync(db: None) -> None:
    with pytest.raises(syncs.NoCatalogAddress):
        syncs.start_sync(seller=make_seller(catalog_address=""), trigger="api")


def test_a_suspended_seller_starts_nothing(db: None) -> None:
    with pytest.raises(syncs.SellerSuspended):
        syncs.start_sync(seller=make_seller(status="suspended"), trigger="api")
    assert not SyncRun.objects.exists()


def test_a_start_by_staff_is_audited(seller: Seller) -> None:
    sync, _ = syncs.start_sync_for_staff(seller=seller, actor="ada", reason="Asked by mail.")
    assert sync.trigger == "admin"
    entry = Audit.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("ada", "start sync", "Asked by mail.")


def test_progress_of_a_running_sync_is_counted(seller: Seller) -> None:
    sync = make_sync(seller)
    make_product(seller, last_sync=sync)
    make_product(seller, last_sync=sync, status="pending")
    make_product(seller, last_sync=make_sync(seller, status="finished"))
    make_job(grp=sync.group, task="act", state="completed")
    make_dead_letter(grp=sync.group)
    progress = syncs.progress(sync)
    assert progress.found == 2
    assert progress.products == {"live": 1, "rejected": 0, "flagged": 0, "dead": 0, "gone": 0, "pending": 1}
    assert progress.stages == {"act": {"completed": 1, "failed": 1}}
    assert progress.retries == 0


def test_progress_of_an_ended_sync_is_what_it_ended_with(seller: Seller) -> None:
    stages = {"scrape-product": {"completed": 3}}
    sync = make_sync(seller, status="finished", outcome={"found": 3, "live": 2, "gone": 1}, stages=stages)
    make_product(seller, last_sync=sync, status="rejected")
    progress = syncs.progress(sync)
    assert (progress.found, progress.products["live"], progress.products["gone"]) == (3, 2, 1)
    assert progress.products["rejected"] == 0
    assert progress.stages == stages


def test_only_submissions_are_refused_and_a_running_sync_is_always_the_answer(seller: Seller) -> None:
    Tenant.objects.create(name=seller.tenant, max_waiting=1)
    make_job(tenant=seller.tenant, state="pending")
    with pytest.raises(TooManyJobs):
        syncs.start_sync(seller=seller, trigger="api", is_submission=True)
    assert not SyncRun.objects.exists()
    sync, _ = syncs.start_sync(seller=seller, trigger="schedule")
    assert syncs.start_sync(seller=seller, trigger="api", is_submission=True) == (sync, False)


def test_while_what_a_seller_sent_is_read_the_catalog_waits(db: None) -> None:
    seller = make_seller()
    given = syncs.Given(SyncRun.Origin.FEED, {"feed": 1}, keeps_others=True)
    sync = syncs.start_import(seller=seller, given=given, trigger="api")

    assert (sync.origin, sync.keeps_others, sync.catalog_address) == ("feed", True, "")
    assert Job.objects.get(grp=sync.group).payload["feed"] == 1
    for start in (
        lambda: syncs.start_sync(seller=seller, trigger="api"),
        lambda: syncs.start_import(seller=seller, given=given, trigger="api"),
    ):
        with pytest.raises(syncs.SyncRunning) as raised:
            start()
        assert raised.value.sync == sync
    assert SyncRun.objects.count() == 1


def test_progress_tells_coverage_pace_and_success() -> None:
    stages = {
        "scrape-catalog": {"completed": 3, "gated": 1},
        "scrape-product": {"completed": 18, "failed": 1, "dead": 1, "pending": 10},
    }
    products = {"live": 8, "rejected": 1, "flagged": 0, "dead": 1, "gone": 0, "pending": 20}
    now = syncs.Progress(found=30, products=products, stages=stages, retries=0)
    assert (now.coverage_pct, now.success_rate, now.products_per_min(elapsed_s=30)) == (75.0, 0.9, 20.0)
    nothing = syncs.Progress(found=0, products={}, stages={}, retries=0)
    assert (nothing.coverage_pct, nothing.success_rate, nothing.products_per_min(elapsed_s=0)) == (None, None, 0.0)
