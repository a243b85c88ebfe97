"""The marketplace's pages in the admin, as a member of staff meets them."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Audit, Tenant, Worker
from marketplace import api_keys
from marketplace.models import ApiKey, GeminiMinute, Picture, Product, Seller, SyncRun
from tests.marketplace.factories import (
    make_category,
    make_dead_letter,
    make_job,
    make_product,
    make_seller,
    make_sync,
)

SYSTEM_WRITTEN = [
    "marketplace_product",
    "marketplace_category",
    "marketplace_syncrun",
    "marketplace_apikey",
    "jobs_job",
    "jobs_deadletter",
    "jobs_worker",
    "jobs_audit",
]


@pytest.fixture
def shop(seller: Seller, settings: Any, tmp_path: Any) -> dict[str, Any]:
    """One of each thing, with every field that a page shows."""
    settings.MEDIA_ROOT = tmp_path
    sync = make_sync(seller, status="finished", outcome={"found": 2, "live": 1}, stages={"act": {"completed": 2}})
    lamps = make_category(seller, "Lamps")
    desk = make_category(seller, "Lamps > Desk lamps")
    desk.parent = lamps
    desk.save()
    original = make_product(seller, title="Original lamp")
    product = make_product(
        seller,
        title="<b>Bold</b> lamp",
        status="rejected",
        price="5.5",
        currency="KES",
        last_sync=sync,
        duplicate_of=original,
        reasons=[{"code": "price.missing", "field": "price", "message": "No <price>.", "remedy": "Add one."}],
    )
    product.categories.add(desk)
    ready = Picture(product=product, source_address="https://x.example/1.jpg", status="ready")
    ready.display.save("1.jpg", ContentFile(b"x"), save=False)
    ready.thumbnail.save("1.webp", ContentFile(b"x"))
    Picture.objects.create(
        product=product,
        position=1,
        source_address="https://x.example/2.jpg",
        status="broken",
        error_code="picture.missing",
    )
    key, _ = api_keys.issue_key(seller=seller)
    letter = make_dead_letter(tenant=seller.tenant, grp=sync.group, payload={"product": product.pk})
    worker = Worker.objects.create(name="worker-1", hostname="here", pid=7, queues=["workload"])
    audit = Audit.objects.create(actor="ada", action="start sync", subject="seller 1")
    use = GeminiMinute.objects.create(minute=timezone.now(), model="gemini-embedding-001", calls=2)
    return {
        "marketplace_geminiminute": use,
        "marketplace_seller": seller,
        "marketplace_product": product,
        "marketplace_category": desk,
        "marketplace_syncrun": sync,
        "marketplace_apikey": key,
        "jobs_job": letter.job,
        "jobs_deadletter": letter,
        "jobs_worker": worker,
        "jobs_audit": audit,
    }


def test_every_page_of_every_model_opens(back_office: Client, shop: dict[str, Any]) -> None:
    for model, thing in shop.items():
        for address in (
            reverse(f"admin:{model}_changelist"),
            reverse(f"admin:{model}_changelist") + "?q=lamp",
            reverse(f"admin:{model}_changelist") + "?q=7",
            reverse(f"admin:{model}_change", args=[thing.pk]),
        ):
            answer = back_office.get(address)
            assert (address, answer.status_code) == (address, 200)


def test_every_filter_that_is_offered_works(back_office: Client, shop: dict[str, Any]) -> None:
    for model, query in [
        ("marketplace_product", "status__exact=rejected&reason=price.missing"),
        ("marketplace_product", f"seller__id__exact={shop['marketplace_seller'].pk}&status__exact=rejected"),
        ("marketplace_product", f"categories__id__exact={shop['marketplace_category'].pk}"),
        ("marketplace_product", f"last_sync__id__exact={shop['marketplace_syncrun'].pk}"),
        ("marketplace_syncrun", "status__exact=finished&trigger=api"),
        ("marketplace_apikey", "revoked_at__isempty=1"),
    ]:
        answer = back_office.get(reverse(f"admin:{model}_changelist") + f"?{query}")
        assert answer.status_code == 200
        assert answer.context["cl"].result_count == 1


def test_lists_cost_the_same_however_long(
    back_office: Client, shop: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    seller = shop["marketplace_seller"]
    for _ in range(20):
        make_product(seller, last_sync=shop["marketplace_syncrun"])
        make_job(tenant=seller.tenant, payload={"product": 1})
        make_seller()
    for model in ("marketplace_product", "marketplace_seller", "jobs_job", "jobs_deadletter"):
        with django_assert_max_num_queries(16):
            back_office.get(reverse(f"admin:{model}_changelist"))


def test_what_the_system_writes_nobody_adds_edits_or_deletes(back_office: Client, shop: dict[str, Any]) -> None:
    for model in SYSTEM_WRITTEN:
        assert back_office.get(reverse(f"admin:{model}_add")).status_code == 403
        change = reverse(f"admin:{model}_change", args=[shop[model].pk])
        assert back_office.post(change, {"name": "x"}).status_code == 403
        assert back_office.post(reverse(f"admin:{model}_delete", args=[shop[model].pk])).status_code == 403
    assert (
        back_office.post(reverse("admin:marketplace_seller_delete", args=[shop["marketplace_seller"].pk])).status_code
        == 403
    )


def test_a_product_page_says_why_and_links_on(back_office: Client, shop: dict[str, Any]) -> None:
    product = shop["marketplace_product"]
    page = back_office.get(reverse("admin:marketplace_product_change", args=[product.pk])).content.decode()
    assert "price.missing" in page
    assert "Add one." in page
    assert "picture.missing" in page
    assert product.pictures.first().display.url in page
    assert "<b>Bold</b>" not in page
    assert "No <price>" not in page
    for thing in ("marketplace_seller", "marketplace_category", "marketplace_syncrun"):
        assert reverse(f"admin:{thing}_change", args=[shop[thing].pk]) in page


def test_a_price_is_read_as_people_write_it(back_office: Client, shop: dict[str, Any]) -> None:
    assert "5.50 KES" in back_office.get(reverse("admin:marketplace_product_changelist")).content.decode()


def test_a_sellers_page_counts_products_and_links_to_them(back_office: Client, shop: dict[str, Any]) -> None:
    seller = shop["marketplace_seller"]
    page = back_office.get(reverse("admin:marketplace_seller_change", args=[seller.pk])).content.decode()
    assert "1 live" in page
    assert "1 rejected" in page
    assert f"sync {shop['marketplace_syncrun'].pk}, finished" in page


def test_staff_add_sellers(back_office: Client, db: None) -> None:
    assert back_office.get(reverse("admin:marketplace_seller_add")).status_code == 200
    back_office.post(reverse("admin:marketplace_seller_add"), {"name": "New", "plan": "premium"})
    assert Seller.objects.get().plan == "premium"
    assert Tenant.objects.get().weight == 4
    change = reverse("admin:marketplace_seller_change", args=[Seller.objects.get().pk])
    for address, stored in [("https://me:secret@shop.example/", ""), ("shop.example/x", "https://shop.example/x")]:
        back_office.post(change, {"name": "New", "plan": "free", "catalog_address": address})
        assert Seller.objects.get().catalog_address == stored
    assert Tenant.objects.get().weight == 1


def test_suspending_asks_why_first(back_office: Client, seller: Seller) -> None:
    address = reverse("admin:marketplace_seller_suspend", args=[seller.pk])
    question = back_office.get(address)
    assert question.status_code == 200
    assert 'name="reason"' in question.content.decode()
    assert back_office.post(address, {"reason": " "}).status_code == 200  # asked again
    seller.refresh_from_db()
    assert seller.status == "active"
    assert back_office.post(address, {"reason": "Fraud."}).status_code == 302
    seller.refresh_from_db()
    assert seller.status == "suspended"
    assert Audit.objects.get().reason == "Fraud."
    assert Audit.objects.get().actor == "ada"


def test_only_the_status_change_that_means_something_is_offered(back_office: Client, seller: Seller) -> None:
    page = reverse("admin:marketplace_seller_change", args=[seller.pk])
    assert "Suspend…" in (content := back_office.get(page).content.decode())
    assert "Reactivate…" not in content
    Seller.objects.update(status="suspended")
    assert "Reactivate…" in (content := back_office.get(page).content.decode())
    assert "Suspend…" not in content
    back_office.post(reverse("admin:marketplace_seller_reactivate", args=[seller.pk]), {"reason": "Mistake."})
    seller.refresh_from_db()
    assert seller.status == "active"


def test_a_sync_is_started_with_a_reason(back_office: Client, seller: Seller) -> None:
    address = reverse("admin:marketplace_seller_start_sync", args=[seller.pk])
    assert seller.catalog_address in back_office.get(address).content.decode()
    assert not SyncRun.objects.exists()
    answer = back_office.post(address, {"reason": "Asked by mail."})
    sync = SyncRun.objects.get()
    assert answer.url == reverse("admin:marketplace_syncrun_change", args=[sync.pk])
    assert (sync.trigger, Audit.objects.get().reason) == ("admin", "Asked by mail.")
    again = back_office.post(address, {"reason": "Again."}, follow=True)
    assert f"Sync {sync.pk} is running already." in again.content.decode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"catalog_address": ""}, "Give the seller a catalog address first."),
        ({"status": "suspended"}, "The seller is suspended."),
    ],
)
def test_a_sync_that_cannot_start_says_why(back_office: Client, db: None, fields: dict[str, str], message: str) -> None:
    seller = make_seller(**fields)
    address = reverse("admin:marketplace_seller_start_sync", args=[seller.pk])
    assert message in back_office.post(address, {"reason": "Try."}, follow=True).content.decode()
    assert not SyncRun.objects.exists()


def test_keys_are_revoked_with_a_reason(back_office: Client, shop: dict[str, Any]) -> None:
    key = shop["marketplace_apikey"]
    address = reverse("admin:marketplace_apikey_changelist")
    form = {"action": "revoke_selected", "_selected_action": [key.pk]}
    assert str(key) in back_office.post(address, form).content.decode()
    assert ApiKey.objects.get().revoked_at is None
    answer = back_office.post(address, form | {"reason": "It leaked."}, follow=True)
    assert "1 revoked." in answer.content.decode()
    assert ApiKey.objects.get().revoked_at is not None
    assert Audit.objects.filter(action="revoke API key", reason="It leaked.").count() == 1


def test_who_may_only_look_changes_nothing(db: None, shop: dict[str, Any]) -> None:
    viewer = User.objects.create_user("vera", password="a long password", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)
    seller, key = shop["marketplace_seller"], shop["marketplace_apikey"]
    page = client.get(reverse("admin:marketplace_seller_change", args=[seller.pk]))
    assert page.status_code == 200
    assert "Suspend…" not in page.content.decode()
    for action in ("suspend", "reactivate", "start_sync"):
        answer = client.post(reverse(f"admin:marketplace_seller_{action}", args=[seller.pk]), {"reason": "x"})
        assert answer.status_code == 403
    client.post(
        reverse("admin:marketplace_apikey_changelist"),
        {"action": "revoke_selected", "_selected_action": [key.pk], "reason": "x"},
    )
    key.refresh_from_db()
    seller.refresh_from_db()
    assert (key.revoked_at, seller.status) == (None, "active")


def test_the_front_page_shows_figures_and_links(back_office: Client, shop: dict[str, Any]) -> None:
    answer = back_office.get(reverse("admin:index"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert {status: count for status, _, count in answer.context["figures"]["products"]}["rejected"] == 1
    assert answer.context["figures"]["dead_letters"] == 1
    for name in (
        "rq-dashboard",
        "api:docs",
        "admin:marketplace_product_changelist",
        "admin:jobs_deadletter_changelist",
    ):
        assert reverse(name) in page
    assert page.count("<h1") >= 1


def test_the_navigation_leaves_out_what_one_may_not_see(db: None) -> None:
    clerk = User.objects.create_user("cleo", password="a long password", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_product"))
    client = Client()
    client.force_login(clerk)
    page = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:marketplace_product_changelist") in page
    assert reverse("admin:jobs_audit_changelist") not in page


def test_the_navigation_marks_one_place(back_office: Client, db: None) -> None:
    products = reverse("admin:marketplace_product_changelist")
    for query, title in [
        ("", "Products"),
        ("?status__exact=flagged", "Flagged"),
        ("?status__exact=rejected", "Rejected"),
    ]:
        groups = back_office.get(products + query).context["sidebar_navigation"]
        assert [item["title"] for group in groups for item in group["items"] if item["active"]] == [title]


def test_badges_count_what_waits_for_people(back_office: Client, seller: Seller) -> None:
    for _ in range(3):
        make_product(seller, status=Product.Status.FLAGGED)
    make_dead_letter()
    groups = back_office.get(reverse("admin:index")).context["sidebar_navigation"]
    badges = {item["title"]: item["badge"] for group in groups for item in group["items"] if "badge" in item}
    assert badges == {"Review queue": "3", "Dead letters": "1"}


def test_users_and_groups_are_kept_under_the_same_roof(back_office: Client, staff: User) -> None:
    for address in ("auth_user_changelist", "auth_user_add", "auth_group_changelist", "auth_group_add"):
        assert back_office.get(reverse(f"admin:{address}")).status_code == 200
    assert back_office.get(reverse("admin:auth_user_change", args=[staff.pk])).status_code == 200
    assert {model._meta.label for model in site._registry} >= {"marketplace.Seller", "jobs.Job", "auth.User"}


def test_a_product_shows_how_its_page_was_read(back_office: Client) -> None:
    product = make_product(
        make_seller(),
        gtin="4006381333931",
        currency="EUR",
        price=Decimal("19.90"),
        list_price=Decimal("25.00"),
        breadcrumbs=["Home", "Lamps"],
        evidence={"price": {"evidence": "json-ld", "confidence": 0.93}, "odd": "from older code"},
    )

    page = back_office.get(f"/admin/marketplace/product/{product.pk}/change/").content.decode()

    for words in ("4006381333931", "before: 25 EUR", "Home &gt; Lamps", "json-ld", "93%"):
        assert words in page
