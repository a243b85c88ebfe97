"""Search indexes in the admin: what staff see of them and may do to them."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog.indexes.active import active_index
from catalog.models import SearchIndex
from jobs.models import Audit, Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("forgotten")]
INDEXES = "/admin/catalog/searchindex/"
WHY = {"reason": "Better vectors.", "embedder": "siglip"}
FOUND = {
    "at": "2026-11-25T03:37:00+00:00", "products": 1184, "rows": 1184, "pictures": 900, "missing": 3, "stale": 2,
    "surplus": 1, "repaired": 6, "is_equal": False, "took_s": 4.2,
}  # fmt: skip


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(str(answer.content.decode()).split())


def test_the_pages_tell_state_progress_and_what_differed(office: Client, django_assert_max_num_queries: Any) -> None:
    active = active_index()
    SearchIndex.objects.filter(pk=active.pk).update(reconciliation=FOUND, total=1184, done=1184)
    SearchIndex.objects.create(embedder="siglip", total=1184, done=512)
    SearchIndex.objects.bulk_create(
        SearchIndex(embedder="gemini", state="failed", error_code="x.away", error_message="<b>away</b>")
        for _ in range(20)
    )
    with django_assert_max_num_queries(12):
        page = text_of(office.get(INDEXES))
    assert 'value="43.2">512 of 1,184</progress>' in page
    assert page.count('aria-hidden="true">error<') == 20

    detail = text_of(office.get(f"{INDEXES}{active.pk}/change/"))
    assert "Cancel the building" not in detail
    assert "of 1,184 live products, 3 rows were missing and 2 stale, 1 were too many; 6 were mended." in detail
    failed = SearchIndex.objects.filter(state="failed").first()
    assert "<code>x.away</code> &lt;b&gt;away&lt;/b&gt;" in text_of(office.get(f"{INDEXES}{failed.pk}/change/"))


def test_staff_change_the_embedder_and_cancel_that(office: Client) -> None:
    asked = text_of(office.get(f"{INDEXES}change-embedder/"))
    assert ">siglip</option>" in asked
    assert ">hashing</option>" not in asked  # it is in use

    made = office.post(f"{INDEXES}change-embedder/", WHY)
    row = SearchIndex.objects.get(state="building")
    assert (made.status_code, made["Location"], row.embedder) == (302, f"{INDEXES}{row.pk}/change/", "siglip")
    assert "Cancel the building" in text_of(office.get(made["Location"]))
    again = office.post(f"{INDEXES}change-embedder/", {**WHY, "embedder": "gemini"}, follow=True)
    assert "An index of siglip is being built; cancel it first, or wait." in text_of(again)
    for told in ("The building was cancelled.", "there is nothing to cancel."):
        assert told in text_of(office.post(f"{INDEXES}{row.pk}/cancel/", {"reason": "Not now."}, follow=True))

    row.refresh_from_db()
    assert row.state == "cancelled"
    assert [(it.actor, it.action, it.reason) for it in Audit.objects.order_by("pk")] == [
        ("ada", "change embedder", "Better vectors."),
        ("ada", "cancel search index", "Not now."),
    ]
    assert Job.objects.filter(task="build-search-index").count() == 1


def test_who_may_only_look_changes_nothing() -> None:
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(vera)
    row = SearchIndex.objects.create(embedder="siglip")

    text_of(client.get(INDEXES))
    refused = [client.post(f"{INDEXES}change-embedder/", WHY), client.post(f"{INDEXES}{row.pk}/cancel/", WHY)]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert SearchIndex.objects.get(pk=row.pk).state == "building"
