"""The API of connections, feeds and links, as far as it goes before a worker takes over."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from catalog.feed_files import feed_path
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.models import CatalogConnection
from jobs.models import Job
from jobs.rotation import rotate_keys
from jobs.sealing import opened_text
from marketplace import api_keys
from marketplace.models import Seller, SyncRun
from tests.catalog.products import make_seller

TOKEN = "EAAGabcdefghijklmnopqrstuvwxyz0123456789"
FEED = b"id,title\n1,Red lamp\n"


@pytest.fixture
def seller(db: None, settings: Any, tmp_path: Path) -> Seller:
    settings.FEED_DIR = tmp_path / "feeds"
    seller = make_seller()
    Seller.objects.update(catalog_address="https://wa.me/c/447700900100")
    seller.refresh_from_db()
    return seller


@pytest.fixture
def api(seller: Seller) -> APIClient:
    return client_of(seller)


@pytest.fixture
def stranger(db: None) -> APIClient:
    return client_of(make_seller("Somebody else"))


def client_of(seller: Seller) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_keys.issue_key(seller=seller)[1]}")
    return client


def upload(api: APIClient, content: bytes = FEED, **fields: Any) -> Any:
    return api.post(
        "/api/sellers/me/feeds/", {"file": SimpleUploadedFile("lamps.csv", content), **fields}, format="multipart"
    )


def test_a_connection_is_stored_sealed_and_its_token_never_shown(api: APIClient, seller: Seller) -> None:
    answers = [
        api.put("/api/sellers/me/connection/", {"catalog_id": "178298", "token": TOKEN}),
        api.get("/api/sellers/me/connection"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        assert TOKEN not in answer.content.decode()
        body = answer.json()
        assert (body["kind"], body["catalog_id"], body["is_used"]) == ("whatsapp-graph", "178298", True)
    stored = CatalogConnection.objects.get(seller=seller)
    assert TOKEN not in stored.token
    assert opened_text(stored.token) == TOKEN


def test_a_connection_is_replaced_taken_away_and_nobody_elses(api: APIClient, stranger: APIClient) -> None:
    api.put("/api/sellers/me/connection/", {"catalog_id": "1", "token": TOKEN})
    assert api.put("/api/sellers/me/connection/", {"account_id": "55", "token": TOKEN}).json()["catalog_id"] == ""
    assert stranger.get("/api/sellers/me/connection/").status_code == 404
    assert stranger.delete("/api/sellers/me/connection/").status_code == 204
    assert CatalogConnection.objects.count() == 1
    assert api.delete("/api/sellers/me/connection/").status_code == 204
    assert CatalogConnection.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"token": TOKEN}, "catalog_id", "required"),
        ({"catalog_id": "17a", "token": TOKEN}, "catalog_id", "invalid"),
        ({"catalog_id": "178298"}, "token", "required"),
        ({"catalog_id": "178298", "token": "short"}, "token", "min_length"),
        ({"catalog_id": "178298", "token": TOKEN, "kind": "x"}, "kind", "read_only"),
    ],
)
def test_a_connection_that_is_none_is_refused_by_field(
    api: APIClient, body: dict[str, str], field: str, code: str
) -> None:
    answer = api.put("/api/sellers/me/connection/", body)

    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_without_a_key_no_token_is_kept(api: APIClient, settings: Any) -> None:
    settings.JOB_ENCRYPTION_KEYS = []

    answer = api.put("/api/sellers/me/connection/", {"catalog_id": "178298", "token": TOKEN})

    assert (answer.status_code, answer.json()["code"]) == (503, "connection.no_encryption_key")
    assert CatalogConnection.objects.count() == 0


def test_the_token_moves_to_the_new_key_with_the_jobs(api: APIClient, settings: Any) -> None:
    api.put("/api/sellers/me/connection/", {"catalog_id": "178298", "token": TOKEN})
    new = "bmV3IGtleSBvZiAzMiBieXRlcyBmb3IgdGVzdHMgISE="
    settings.JOB_ENCRYPTION_KEYS = [new, *settings.JOB_ENCRYPTION_KEYS]

    assert rotate_keys().rotated == 1

    settings.JOB_ENCRYPTION_KEYS = [new]
    assert opened_text(CatalogConnection.objects.get().token) == TOKEN


def test_an_uploaded_feed_starts_a_sync_and_lies_in_the_private_folder(api: APIClient, seller: Seller) -> None:
    answer = upload(api)

    feed = FeedImport.objects.get(seller=seller)
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/syncs/{feed.sync_id}/"
    assert feed_path(feed.pk).read_bytes() == FEED
    assert feed_path(feed.pk).stat().st_mode & 0o077 == 0
    assert (feed.name, feed.sync.origin, feed.sync.keeps_others) == ("lamps.csv", "feed", False)
    assert Job.objects.get(task="sync-seller").payload["feed"] == feed.pk
    listed = api.get("/api/sellers/me/feeds/").json()["results"]
    assert [entry["id"] for entry in listed] == [feed.pk]
    assert api.get(f"/api/sellers/me/feeds/{feed.pk}").json()["name"] == "lamps.csv"


def test_while_a_sync_runs_another_file_is_refused_and_leaves_nothing(api: APIClient, settings: Any) -> None:
    upload(api)

    answer = upload(api, b"id,title\n2,Blue lamp\n")

    assert (answer.status_code, answer.json()["code"]) == (409, "sync.running")
    assert int(answer["Retry-After"]) > 0
    assert FeedImport.objects.count() == 1
    assert len(list(Path(settings.FEED_DIR).iterdir())) == 1


def test_a_file_that_is_too_large_or_missing_is_refused(api: APIClient, settings: Any) -> None:
    settings.FEED_MAX_MB = 1
    answer = upload(api, b"x" * (1024 * 1024 + 70_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "feed.too_large")
    answer = upload(api, b"x" * (1024 * 1024 + 1))
    assert [error["code"] for error in answer.json()["errors"]] == ["too_large"]

    answer = api.post("/api/sellers/me/feeds/", {}, format="multipart")

    assert [error["field"] for error in answer.json()["errors"]] == ["file"]
    assert not FeedImport.objects.exists()


def test_a_suspended_seller_sends_nothing(api: APIClient, seller: Seller) -> None:
    Seller.objects.filter(pk=seller.pk).update(status=Seller.Status.SUSPENDED)

    assert upload(api).status_code == 403


@pytest.fixture
def errors(seller: Seller) -> FeedImport:
    feed = FeedImport.objects.create(seller=seller, name="lamps.csv", problems=3)
    FeedRowError.objects.bulk_create(
        FeedRowError(feed=feed, number=number, field="price", code="feed.bad_price", message="No price", excerpt=text)
        for number, text in ((1, "=SUM(A1)"), (2, "naïve, «12»"), (7, "-"))
    )
    return feed


def test_the_errors_of_a_feed_are_told_as_json_and_as_csv(api: APIClient, errors: FeedImport) -> None:
    path = f"/api/sellers/me/feeds/{errors.pk}/errors/"

    page = api.get(path, {"format": "json", "limit": "2"}).json()
    table = api.get(path, {"format": "csv"})

    assert [(row["row"], row["level"]) for row in page["results"]] == [(1, "error"), (2, "error")]
    assert page["next"]
    assert table["Content-Type"].startswith("text/csv")
    assert table["Content-Disposition"] == f'attachment; filename="feed-{errors.pk}-errors.csv"'
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert [row["row"] for row in rows] == ["1", "2", "7"]
    assert [row["excerpt"] for row in rows] == ["'=SUM(A1)", "naïve, «12»", "'-"]


def test_nobody_sees_the_feeds_of_others(stranger: APIClient, errors: FeedImport) -> None:
    for path in ("", "errors/", "errors/?format=csv"):
        assert stranger.get(f"/api/sellers/me/feeds/{errors.pk}/{path}").status_code == 404


def test_links_of_products_start_a_sync_of_their_own(api: APIClient, seller: Seller) -> None:
    links = ["https://wa.me/p/42/447700900100", "https://www.whatsapp.com/product/43/447700900100/?app_absent=0"]

    answer = api.post("/api/sellers/me/product-links/", {"addresses": links})

    sync = SyncRun.objects.get(seller=seller)
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/syncs/{sync.pk}/"
    assert (sync.origin, sync.keeps_others) == ("links", True)
    assert Job.objects.get(task="sync-seller").payload["links"] == links
    again = api.post("/api/sellers/me/product-links/", {"addresses": links})
    assert again.status_code == 409


def test_each_link_that_no_source_knows_is_named(api: APIClient) -> None:
    links = ["https://wa.me/p/42/447700900100", "https://wa.me/c/447700900100", "https://evil.example/p/1/447700900100"]

    answer = api.post("/api/sellers/me/product-links/", {"addresses": links})

    assert answer.status_code == 400
    found = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert found == [("/addresses/1", "unknown_product_address"), ("/addresses/2", "unknown_product_address")]
    assert not SyncRun.objects.exists()


def test_staff_sees_feeds_their_errors_and_that_there_is_a_connection(
    api: APIClient, errors: FeedImport, page_of: Callable[[str], str]
) -> None:
    api.put("/api/sellers/me/connection/", {"catalog_id": "178298", "token": TOKEN})
    connection = CatalogConnection.objects.get()

    for path, words in [
        ("feedimport/", "lamps.csv"),
        (f"feedimport/{errors.pk}/change/", "feed.bad_price"),
        (f"feedrowerror/?feed__id__exact={errors.pk}", "feed.bad_price"),
        ("catalogconnection/", "178298"),
        (f"catalogconnection/{connection.pk}/change/", "never shown"),
    ]:
        page = page_of(path)
        assert words in page, path
        assert TOKEN not in page
        assert connection.token not in page


@pytest.fixture
def page_of(db: None) -> Callable[[str], str]:
    client = Client()
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))

    def get(path: str) -> str:
        answer = client.get(f"/admin/catalog/{path}")
        assert answer.status_code == 200, path
        return answer.content.decode()

    return get
