"""Businesses that lack the vector they should have."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.directory.staleness import refresh_directory, stale_entries
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import Job
from marketplace.directory import Occasion
from marketplace.models import DirectoryEntry
from tests.catalog.directory.conftest import CountingEmbedder, make_business
from tests.marketplace.factories import make_seller

pytestmark = pytest.mark.django_db
CRON = Occasion("bulk", by="schedule", source="cron")


def stale(fingerprint: str = "counting_1") -> set[str]:
    return {entry.name for entry in stale_entries(fingerprint=fingerprint, now=timezone.now())}


def test_stale_are_those_without_a_vector_of_the_embedder_and_without_a_job(work: Callable[[], None]) -> None:
    make_business("done")
    work()
    make_business("queued")
    lost = make_business("lost")
    DirectoryEntry.objects.filter(pk=lost.pk).update(updated_at=timezone.now() - timedelta(hours=2))
    DirectoryEntry.objects.create(name="none")
    DirectoryEntry.objects.create(name="failed", embedding_status="failed")
    assert stale() == {"none", "lost"}
    assert stale("counting_2") == {"none", "lost", "done"}


def test_the_schedules_task_embeds_what_a_change_of_the_embedder_left_behind(
    work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    make_seller(name="Lamp House")  # from before there was a directory
    make_business("Harbour Bakery")
    work()
    embedder.fingerprint = "counting_2"
    enqueue(NewJob("refresh-directory", {}))
    work()
    assert Job.objects.get(task="refresh-directory").result == {"queued": 1}
    assert set(DirectoryEntry.objects.values_list("name", "embedding_status", "embedding_fingerprint")) == {
        ("Lamp House", "done", "counting_2"),
        ("Harbour Bakery", "done", "counting_2"),
    }
    assert refresh_directory(fingerprint="counting_2", occasion=CRON, now=timezone.now()) == 0
    sources = Job.objects.filter(task="generate-business-embedding").values_list("meta__source", flat=True)
    assert sorted(sources) == ["api", "cron", "cron"]
