"""Businesses in the admin: what staff see of them, write, and ask for."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from jobs.models import Audit, Job
from marketplace.directory import create_entry
from marketplace.models import DirectoryEntry, Seller
from tests.marketplace.factories import make_seller

BUSINESSES = "/admin/marketplace/directoryentry/"
WHY = {"reason": "A new <b>model</b>."}
EMPTY = {"category": "", "description": "", "address": "", "phone": "", "email": "", "website": ""}


def make_entry(name: str = "Harbour Bakery", **fields: Any) -> DirectoryEntry:
    return create_entry(by="ada", name=name, **fields)[0]


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_tells_states_and_errors_and_filters_them(
    back_office: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        make_entry(f"Bakery {number}", seller=make_seller())
    failed = make_entry("Broken bakery")
    DirectoryEntry.objects.filter(pk=failed.pk).update(
        embedding_status="failed", embedding_error_code="gemini.key_refused", embedding_error_message="<i>No</i>"
    )
    DirectoryEntry.objects.exclude(pk=failed.pk).update(embedding_fingerprint="gemini_1")
    with django_assert_max_num_queries(12):
        page = text_of(back_office.get(BUSINESSES))
    assert page.count('aria-hidden="true">schedule<') == 10
    assert page.count('aria-hidden="true">error<') == 1
    assert "&lt;i&gt;No&lt;/i&gt;" in page
    assert "Bakery 3" not in text_of(back_office.get(f"{BUSINESSES}?embedding_status__exact=failed"))
    assert "Broken bakery" not in text_of(back_office.get(f"{BUSINESSES}?fingerprint=gemini_1"))
    assert "Bakery 3" not in text_of(back_office.get(f"{BUSINESSES}?seller__isempty=1"))
    assert "Bakery 3" in text_of(back_office.get(f"{BUSINESSES}?q=bakery+3"))


def test_what_is_written_here_gets_its_job(back_office: Client) -> None:
    added = back_office.post(f"{BUSINESSES}add/", EMPTY | {"name": "Harbour Bakery"}, follow=True)
    entry = DirectoryEntry.objects.get()
    assert f"job {Job.objects.get().pk}" in text_of(added)
    assert (entry.embedding_status, Job.objects.get().meta["source"]) == ("queued", "admin")
    change = f"{BUSINESSES}{entry.pk}/change/"
    back_office.post(change, EMPTY | {"name": "Harbour Bakery", "phone": "+254"})
    assert Job.objects.count() == 1
    back_office.post(change, EMPTY | {"name": "Harbour Bakers", "phone": "+254"})
    assert Job.objects.latest("pk").payload == {"businessId": entry.pk, "operation": "update"}
    wrong = text_of(back_office.post(change, EMPTY | {"name": ""}))
    assert "This field is required." in wrong


def test_embedding_again_asks_why_and_leaves_an_audit_row(back_office: Client) -> None:
    entries = [make_entry("One"), make_entry("Two")]
    DirectoryEntry.objects.update(embedding_status="done", embedding_job_id=1)
    chosen = {"action": "embed_again_selected", "_selected_action": [entry.pk for entry in entries]}
    assert "Kept in the audit log" in text_of(back_office.post(BUSINESSES, chosen))
    assert Job.objects.count() == 2
    assert "2 queued" in text_of(back_office.post(BUSINESSES, chosen | WHY, follow=True))
    assert Job.objects.count() == 4
    audit = Audit.objects.get()
    assert (audit.actor, audit.action, audit.count, audit.reason) == ("ada", "embed again", 2, WHY["reason"])
    page = f"{BUSINESSES}{entries[0].pk}/embed-again/"
    assert "Kept in the audit log" in text_of(back_office.get(page))
    assert "on their way already" in text_of(back_office.post(page, WHY, follow=True))
    assert Job.objects.count() == 4


def test_a_sellers_own_entry_is_not_deleted_and_the_sellers_page_writes_it(back_office: Client) -> None:
    facts = {"name": "Lamps", "email": "", "plan": "free", "catalog_address": "", "category": "Light",
             "description": "", "address": "", "phone": ""}  # fmt: skip
    back_office.post("/admin/marketplace/seller/add/", facts)
    own = DirectoryEntry.objects.get(seller=Seller.objects.get())
    assert (own.name, own.category) == ("Lamps", "Light")
    back_office.post(f"/admin/marketplace/seller/{own.seller_id}/change/", facts | {"category": "Lighting"})
    assert DirectoryEntry.objects.get().category == "Lighting"
    page = f"{BUSINESSES}{own.pk}/delete/"
    assert back_office.post(page, {"post": "yes"}).status_code == 403
    staffs = make_entry()
    back_office.post(f"{BUSINESSES}{staffs.pk}/delete/", {"post": "yes"})
    assert list(DirectoryEntry.objects.all()) == [own]
    assert Audit.objects.filter(action="delete business").count() == 1


def test_those_who_only_look_get_no_buttons(db: None) -> None:
    entry = make_entry()
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(vera)
    assert "Embed again" not in text_of(client.get(f"{BUSINESSES}{entry.pk}/change/"))
    assert client.post(f"{BUSINESSES}{entry.pk}/embed-again/", WHY).status_code == 403
    assert Job.objects.count() == 1


def test_sellers_from_before_the_directory_are_written_into_it(db: None) -> None:
    make_seller(name="Café Olé", category="Café", description="Coffee.", phone="+254")
    has_one = make_entry("Lamps", seller=make_seller(name="Lamps"))
    write = import_module("marketplace.migrations.0005_entries_of_sellers").write_entries
    for _ in range(2):
        write(apps, connection.schema_editor())
    entry = DirectoryEntry.objects.exclude(pk=has_one.pk).get()
    assert (entry.name, entry.category, entry.phone, entry.embedding_status) == ("Café Olé", "Café", "+254", "none")
    assert entry.words == "'cafe':1A,3B 'coffe':4 'ole':2A"
