"""Sets begin, wait, and are swept."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.photos.files import make_folder, original_path, set_folder
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.sets import (
    MAX_WAITING_SETS,
    TooManySets,
    begin_set,
    standing_of,
    standings_of,
    start_processing,
    sweep_sets,
)
from catalog.photos.uploads import begin_upload
from jobs.cancellation import cancel_job
from jobs.models import Job, JobLine
from marketplace.models import Seller
from tests.catalog.photos.conftest import RED, bring, views


def test_a_seller_has_so_many_sets_waiting_at_most(seller: Seller) -> None:
    for _ in range(MAX_WAITING_SETS):
        begin_set(seller, location="", description="")
    with pytest.raises(TooManySets, match="Accept or discard"):
        begin_set(seller, location="", description="")
    PhotoSet.objects.filter(pk=PhotoSet.objects.values("pk")[:1]).update(status="accepted")
    begin_set(seller, location="", description="")


def test_what_is_late_is_swept_and_the_rest_stays(
    seller: Seller, photo_set: PhotoSet, django_capture_on_commit_callbacks: Any
) -> None:
    late = begin_set(seller, location="late", description="")
    bring(late, views(RED))
    bring(photo_set, views(RED))
    given_up = begin_upload(photo_set.pk, name="half.jpg", size_bytes=100)
    Photo.objects.filter(pk=given_up.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    PhotoSet.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    lost = make_folder(type(late.pk)(int=7))
    with django_capture_on_commit_callbacks(execute=True):
        swept = sweep_sets(now=timezone.now())
    assert swept == {"sets": 1, "uploads": 1, "folders": 2}
    assert not lost.exists()
    assert not set_folder(late.pk).exists()
    assert [photo.is_complete for photo in Photo.objects.all()] == [True, True]
    assert all(original_path(photo).exists() for photo in Photo.objects.all())
    assert sweep_sets(now=timezone.now()) == {"sets": 0, "uploads": 0, "folders": 0}


def test_how_far_sets_are_is_asked_for_all_at_once(seller: Seller, django_assert_num_queries: Any) -> None:
    begun = [begin_set(seller, location="", description="") for _ in range(4)]
    for photo_set in begun[1:]:
        bring(photo_set, views(RED, count=1))
    started = [begun[0], *(start_processing(it, trigger="test") for it in begun[1:])]
    running, cancelled = (it.job_id or 0 for it in started[2:])
    Job.objects.filter(pk=running).update(state="running")
    JobLine.objects.create(job_id=running, message="half", progress_pct=50.0)
    cancel_job(cancelled, actor="staff", reason="test")

    with django_assert_num_queries(2):
        standings = standings_of(started)
    assert [(standings[it.pk].state, standings[it.pk].progress_pct) for it in started] == [
        ("open", 0.0), ("queued", 0.0), ("processing", 50.0), ("open", 0.0),
    ]  # fmt: skip


def test_a_set_whose_job_staff_cancelled_can_be_started_again(photo_set: PhotoSet) -> None:
    bring(photo_set, views(RED))
    started = start_processing(photo_set, trigger="test")
    assert started.job_id is not None
    cancel_job(started.job_id, actor="staff", reason="test")
    assert standing_of(started).state == "open"
    assert start_processing(photo_set, trigger="test").job_id != started.job_id
