"""All that a task may leave behind, before and after it."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.db import models

from catalog import index
from catalog.models import Domain as SiteDomain
from catalog.models import MilestoneMinute
from jobs.models import DeadLetter, Gate, Job, JobAttempt, JobGroup
from marketplace.models import Product, Seller
from tests.run_twice.case import FINGERPRINT

DOMAIN = ("marketplace", "catalog", "qc")
FINDINGS = {"reconciliation"}  # what a second look finds is what the first one left

Snapshot = dict[str, Any]


def snapshot(subjects: Sequence[int]) -> Snapshot:
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


def changes(earlier: Snapshot, later: Snapshot) -> Snapshot:
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


def tasks_of(snapshot: Snapshot) -> Counter[str]:
    """Count the jobs that were started, by task."""
    return Counter(job["task"] for job in snapshot["follow-ups"])
