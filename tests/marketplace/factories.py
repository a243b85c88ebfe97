"""Sellers, products and jobs as tests need them; what a test does not name is unremarkable."""

import itertools
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from jobs.models import DeadLetter, Job, JobAttempt
from marketplace.accounts.models import SellerMember
from marketplace.models import Category, Product, Seller, SyncRun

_numbers = itertools.count(1)


def make_seller(**fields: Any) -> Seller:
    number = next(_numbers)
    defaults = {"name": f"Shop {number}", "catalog_address": f"https://shop-{number}.example/catalog"}
    return Seller.objects.create(**(defaults | fields))


def make_sync(seller: Seller, **fields: Any) -> SyncRun:
    return SyncRun.objects.create(seller=seller, **({"catalog_address": seller.catalog_address} | fields))


def make_product(seller: Seller, **fields: Any) -> Product:
    number = next(_numbers)
    defaults = {
        "external_id": f"whatsapp:{number}",
        "address": f"https://shop.example/p/{number}",
        "title": f"Lamp {number}",
        "status": Product.Status.LIVE,
    }
    return Product.objects.create(seller=seller, **(defaults | fields))


def make_member(seller: Seller, *, email: str = "ann@shop.example", password: str = "a long password") -> User:
    """A person who may act for the seller; one who is there already joins."""
    user = User.objects.filter(username=email).first() or User.objects.create_user(email, email, password)
    SellerMember.objects.create(seller=seller, user=user)
    return user


def make_category(seller: Seller, path: str) -> Category:
    return Category.objects.create(seller=seller, path=path, name=path.rpartition(" > ")[2])


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {}} | fields))


def make_dead_letter(**fields: Any) -> DeadLetter:
    """A job that was tried once and failed for good, with its entry in the dead-letter queue."""
    now = timezone.now()
    job = make_job(
        state="failed", attempt=1, error_code="test.broken", error_message="It broke.", finished_at=now, **fields
    )
    JobAttempt.objects.create(
        job=job,
        attempt=1,
        worker_name="worker-1",
        started_at=now,
        ended_at=now,
        family="permanent",
        error_code="test.broken",
        error_message="It broke.",
        traceback="Traceback: <b>deep</b> inside",
        decision="failed: permanent",
    )
    return DeadLetter.objects.create(
        job=job,
        task=job.task,
        tenant=job.tenant,
        reason="permanent",
        error_code="test.broken",
        error_message="It broke.",
        enqueued_at=now,
        last_attempt_at=now,
    )
