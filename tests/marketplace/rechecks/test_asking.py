"""Rechecks: who may ask, how often, and how far one is."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.admission import Reason, TooManyJobs
from jobs.control import retry_job
from jobs.dead_letters import retry_dead_letter
from jobs.models import Job, Priority
from marketplace.models import Product, Seller
from marketplace.rechecks import asking, wording
from marketplace.rechecks.asking import (
    CannotRecheck,
    CheckedJustNow,
    NoRoom,
    ProductGone,
    StillChecking,
    TooManyRechecks,
    ask_recheck,
    refusal,
    standing_of,
)
from marketplace.rechecks.models import Recheck
from tests.marketplace.factories import make_dead_letter, make_job, make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db


def _ask(product: Product) -> Recheck:
    return ask_recheck(product.pk, asked_by="ann@shop.example")


def test_asking_enqueues_one_urgent_job_of_the_seller(seller: Seller) -> None:
    product = make_product(seller, status="rejected")
    recheck = _ask(product)
    job = Job.objects.get()
    assert (job.pk, job.task, job.tenant, job.priority, job.grp) == (
        recheck.job_id, "recheck-product", seller.tenant, Priority.HIGH, recheck.group,
    )  # fmt: skip
    assert job.payload == {"recheck": recheck.pk, "sync": None, "product": product.pk}
    assert standing_of(recheck).status == "checking"


@pytest.mark.parametrize("status", ["live", "rejected", "flagged", "dead", "pending"])
def test_a_product_of_any_standing_but_gone_is_checked(seller: Seller, status: str) -> None:
    assert refusal(make_product(seller, status=status)) is None


def test_what_is_gone_or_on_its_way_is_not_checked(seller: Seller) -> None:
    assert isinstance(refusal(make_product(seller, status="gone")), ProductGone)
    sync = make_sync(seller)
    assert isinstance(refusal(make_product(seller, status="pending", last_sync=sync)), StillChecking)


def test_one_check_at_a_time_and_a_rest_after_it(seller: Seller) -> None:
    product = make_product(seller)
    _ask(product)
    with pytest.raises(StillChecking):
        _ask(product)
    Job.objects.update(state="completed")
    with pytest.raises(CheckedJustNow):
        _ask(product)
    assert refusal(product, now=timezone.now() + timedelta(seconds=61)) is None


def test_a_seller_has_a_day_s_share(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "A_DAY", 2)
    for _ in range(2):
        _ask(make_product(seller))
    with pytest.raises(TooManyRechecks):
        _ask(make_product(seller))
    assert refusal(make_product(make_seller())) is None


def test_where_too_much_waits_nothing_is_kept(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**facts: object) -> None:
        raise TooManyJobs(Reason.OVERLOAD, retry_after_s=7)

    monkeypatch.setattr(asking, "admit", refuse)
    with pytest.raises(NoRoom) as caught:
        _ask(make_product(seller))
    assert (caught.value.retry_after_s, Recheck.objects.count(), Job.objects.count()) == (7, 0, 0)


def test_its_step_is_the_last_job_s_and_its_error_that_of_the_one_that_failed(seller: Seller) -> None:
    recheck = _ask(make_product(seller))
    Job.objects.update(state="completed")
    assert standing_of(recheck).status == "done"
    make_job(task="scrape-product", state="completed", grp=recheck.group)
    make_job(task="process-images", state="gated", grp=recheck.group)
    assert standing_of(recheck).step == "fetching its pictures"
    lost = Job.objects.filter(task="process-images")
    lost.update(state="dead", error_code="catalog.site_unreachable", error_message="ClientConnectorError: 10.1.2.3")
    assert (standing_of(recheck).status, standing_of(recheck).error) == ("failed", "The site cannot be reached.")
    Job.objects.all().delete()
    assert standing_of(recheck).status == "done"


def test_what_was_tried_again_with_success_has_not_failed(seller: Seller) -> None:
    recheck = _ask(make_product(seller))
    Job.objects.update(state="completed")
    letter = make_dead_letter(task="process-images", grp=recheck.group)
    again = retry_dead_letter(letter.pk, actor="ben", reason="the shop is back")

    assert standing_of(recheck).step == "fetching its pictures"
    Job.objects.filter(pk=again.job_id).update(state="dead", error_code="bug.KeyError", error_message="'sku'")
    assert standing_of(recheck).error == wording.OURS
    third = retry_job(again.job_id, actor="ben", reason="mended")
    Job.objects.filter(pk=third.job_id).update(state="completed")
    assert standing_of(recheck).status == "done"


def test_what_was_tried_again_does_not_come_back_as_failed_when_its_success_is_swept(seller: Seller) -> None:
    recheck = _ask(make_product(seller))
    Job.objects.update(state="completed")
    letter = make_dead_letter(task="process-images", grp=recheck.group)
    again = retry_dead_letter(letter.pk, actor="ben", reason="the shop is back")
    Job.objects.filter(pk=again.job_id).delete()

    assert standing_of(recheck).status == "done"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("catalog.page_not_found", "The page does not exist (any more)."),
        ("catalog.site_blocks", "The site refuses us, or shows a page for robots in place of its own."),
        ("catalog.never_heard_of", wording.OURS),
        ("index.unavailable", wording.OURS),
        ("bug.ZeroDivisionError", wording.OURS),
        ("jobs.retryable", wording.OURS),
        ("", wording.CANCELLED),
    ],
)
def test_sellers_read_a_sentence_for_each_code(code: str, sentence: str) -> None:
    assert wording.sentence_for(code) == sentence


def test_the_api_starts_one_and_shows_it(api: APIClient, seller: Seller) -> None:
    product = make_product(seller)
    started = api.post(f"/api/products/{product.pk}/recheck/")
    recheck = Recheck.objects.get()
    assert (started.status_code, started.headers["Location"]) == (202, f"/api/rechecks/{recheck.pk}/")
    assert started.json() == api.get(started.headers["Location"]).json()
    assert (started.json()["status"], started.json()["job"], started.json()["judged_by"]) == (
        "checking", recheck.job_id, "",
    )  # fmt: skip
    assert api.get(started.headers["Location"]).headers["Retry-After"] == "2"
    running = api.post(f"/api/products/{product.pk}/recheck/")
    assert (running.status_code, running.json()["code"]) == (409, "recheck.running")
    Job.objects.update(state="completed")
    soon = api.post(f"/api/products/{product.pk}/recheck/")
    assert (soon.status_code, soon.json()["code"], soon.headers["Retry-After"]) == (429, "recheck.just_now", "60")


def test_another_s_product_is_not_there(api: APIClient) -> None:
    product = make_product(make_seller())
    assert api.post(f"/api/products/{product.pk}/recheck/").status_code == 404
    assert api.get(f"/api/rechecks/{_ask(product).pk}/").status_code == 404


def test_every_refusal_has_a_code_and_says_what_to_do() -> None:
    kinds = [ProductGone, StillChecking, CheckedJustNow, TooManyRechecks]
    assert len({kind.code for kind in kinds} | {CannotRecheck.code}) == 5
    assert all(str(kind()).endswith(".") for kind in kinds)
