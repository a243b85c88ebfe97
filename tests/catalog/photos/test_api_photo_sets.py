"""Sets of photos over HTTP: the tus protocol, the inventory, and what is refused."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from catalog.photos.files import original_path, set_folder
from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.photos.sets import begin_set, start_processing
from jobs.models import Job
from jobs.session import Session
from marketplace.api_keys import issue_key
from marketplace.models import Seller
from tests.catalog.photos.conftest import BLUE, RED, bring, views
from tests.catalog.photos.drawing import jpeg
from tests.catalog.products import drain

VERSION = {"HTTP_TUS_RESUMABLE": "1.0.0"}
PIECE = "application/offset+octet-stream"


@pytest.fixture
def api(seller: Seller) -> APIClient:
    cache.clear()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_key(seller=seller)[1]}")
    return client


@pytest.fixture
def photo() -> bytes:
    return jpeg(views(RED)[0])


def begin(api: Any, photo_set: PhotoSet, size: int, *, name: str = "Küche 1.jpg", **headers: str) -> Any:
    encoded = base64.b64encode(name.encode()).decode()
    told = {"HTTP_UPLOAD_LENGTH": str(size), "HTTP_UPLOAD_METADATA": f"filename {encoded},is_last"}
    return api.generic("POST", f"/api/photo-sets/{photo_set.pk}/photos/", **VERSION | told | headers)


def send(
    api: Any, address: str, piece: bytes, *, at: int, method: str = "PATCH", media: str = PIECE, **headers: str
) -> Any:
    told = VERSION | {"HTTP_UPLOAD_OFFSET": str(at)} | headers
    return api.generic(method, address, piece, content_type=media, **told)


def head(api: Any, address: str) -> int:
    answer = api.head(address, **VERSION)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    return int(answer["Upload-Offset"])


def test_the_protocol_is_told_before_anything_is_sent(api: Any, photo_set: PhotoSet) -> None:
    answer = api.options(f"/api/photo-sets/{photo_set.pk}/photos/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,expiration,checksum,termination"
    assert answer["Tus-Max-Size"] == str(20 * 2**20)
    assert "sha1" in answer["Tus-Checksum-Algorithm"].split(",")


def test_a_photo_comes_in_pieces_and_goes_on_where_it_stopped(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    begun = begin(api, photo_set, len(photo))
    assert (begun.status_code, begun["Tus-Resumable"]) == (201, "1.0.0")
    assert "GMT" in begun["Upload-Expires"]
    address = begun["Location"]
    assert head(api, address) == 0
    first = send(api, address, photo[:5000], at=0)
    assert (first.status_code, first["Upload-Offset"]) == (204, "5000")
    repeated = send(api, address, photo[:5000], at=0)
    assert (repeated.status_code, repeated.json()["code"]) == (409, "upload.wrong_offset")
    assert head(api, address) == 5000
    assert send(api, address, photo[5000:], at=5000).status_code == 204
    row = Photo.objects.get()
    assert (row.name, row.sha256, row.width_px) == ("Küche 1.jpg", hashlib.sha256(photo).hexdigest(), 480)
    assert original_path(row).read_bytes() == photo


def test_a_piece_that_a_killed_process_left_behind_is_written_again(
    api: Any, photo_set: PhotoSet, photo: bytes
) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    send(api, address, photo[:1000], at=0)
    row = Photo.objects.get()
    with original_path(row).open("ab") as file:  # written, and the row's count was never committed
        file.write(b"x" * 700)
    assert send(api, address, photo[1000:], at=1000).status_code == 204
    assert original_path(row).read_bytes() == photo


def test_a_request_whose_connection_breaks_leaves_nothing(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    send(api, address, photo[:1000], at=0)
    heard = iter([{"type": "http.request", "body": photo[1000:3000], "more_body": True}, {"type": "http.disconnect"}])
    told: list[Any] = []

    async def receive() -> Any:
        return next(heard)

    async def tell(message: Any) -> None:
        told.append(message)

    named = {"tus-resumable": "1.0.0", "upload-offset": "1000", "content-type": PIECE}
    scope = {"type": "http", "method": "PATCH", "path": address, "query_string": b"",
             "headers": [(name.encode(), value.encode()) for name, value in named.items()]}  # fmt: skip
    async_to_sync(ASGIHandler())(scope, receive, tell)
    assert told == []
    assert head(api, address) == 1000
    assert original_path(Photo.objects.get()).read_bytes() == photo[:1000]


def test_a_piece_with_a_wrong_checksum_is_thrown_away(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    right = base64.b64encode(hashlib.sha1(photo).digest()).decode()
    spoiled = send(api, address, photo[:-1] + b"x", at=0, HTTP_UPLOAD_CHECKSUM=f"sha1 {right}")
    assert (spoiled.status_code, spoiled.json()["code"]) == (460, "upload.wrong_checksum")
    assert head(api, address) == 0
    assert send(api, address, photo, at=0, HTTP_UPLOAD_CHECKSUM=f"sha1 {right}").status_code == 204
    assert Photo.objects.get().is_complete


def test_requests_beside_the_protocol_are_told_why(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    old = api.generic("PATCH", address, photo, content_type=PIECE, HTTP_TUS_RESUMABLE="0.2.2", HTTP_UPLOAD_OFFSET="0")
    assert (old.status_code, old["Tus-Version"]) == (412, "1.0.0")
    assert send(api, address, photo, at=0, media="image/jpeg").status_code == 415
    assert send(api, address, photo, at=0, HTTP_UPLOAD_CHECKSUM="crc32 AAAA").status_code == 400
    assert send(api, address, photo + b"more", at=0).status_code == 413
    assert begin(api, photo_set, 20 * 2**20 + 1).status_code == 413
    assert api.generic("POST", f"/api/photo-sets/{photo_set.pk}/photos/", **VERSION).status_code == 400
    assert api.head(address.replace(str(Photo.objects.get().pk), str(uuid4())), **VERSION).status_code == 404
    assert head(api, address) == 0


def test_a_client_that_can_only_post_says_its_method(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    sent = send(api, address, photo, at=0, method="POST", HTTP_X_HTTP_METHOD_OVERRIDE="PATCH")
    assert (sent.status_code, sent["Upload-Offset"]) == (204, str(len(photo)))


def test_an_upload_is_ended_with_its_file(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    address = begin(api, photo_set, len(photo))["Location"]
    send(api, address, photo[:10], at=0)
    assert api.delete(address, **VERSION).status_code == 204
    assert not Photo.objects.exists()
    assert list(set_folder(photo_set.pk).iterdir()) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.7 no picture", "photo.unusable"),
        (b"\x00\x00\x00\x18ftypheic" + b"0" * 100, "photo.unusable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo.unusable"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_content(api: Any, photo_set: PhotoSet, data: bytes, code: str) -> None:
    answer = send(api, begin(api, photo_set, len(data), name="a.jpg")["Location"], data, at=0)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "JPEG" in answer.json()["detail"]
    assert not Photo.objects.exists()
    assert list(set_folder(photo_set.pk).iterdir()) == []


def test_a_bomb_is_refused_before_it_is_decoded(api: Any, photo_set: PhotoSet) -> None:
    head = (
        b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (60_000).to_bytes(4) + (60_000).to_bytes(4) + b"\x08\x02\0\0\0"
    )
    bomb = head + b"\x00" * 4 + b"\x00\x00\x00\x00IDAT" + b"\x00" * 20
    answer = send(api, begin(api, photo_set, len(bomb))["Location"], bomb, at=0)
    assert answer.status_code in (413, 422)
    assert not Photo.objects.exists()


def test_the_same_file_twice_is_left_out(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    send(api, begin(api, photo_set, len(photo))["Location"], photo, at=0)
    again = send(api, begin(api, photo_set, len(photo), name="copy.jpg")["Location"], photo, at=0)
    assert (again.status_code, again.json()["code"]) == (422, "photo.duplicate")
    assert Photo.objects.count() == 1


def test_a_set_has_thirty_photos_at_most(api: Any, photo_set: PhotoSet) -> None:
    assert [begin(api, photo_set, 10).status_code for _ in range(30)] == [201] * 30
    refused = begin(api, photo_set, 10)
    assert (refused.status_code, refused.json()["code"]) == (409, "photo.too_many")


def test_a_set_with_an_unfinished_photo_is_not_started(api: Any, photo_set: PhotoSet) -> None:
    begin(api, photo_set, 10)
    refused = api.post(f"/api/photo-sets/{photo_set.pk}/start/")
    assert (refused.status_code, refused.json()["code"]) == (409, "photo_set.incomplete")


def test_one_request_brings_all_photos_and_starts(api: Any, session: Session) -> None:
    files = [SimpleUploadedFile(f"{n}.jpg", jpeg(it)) for n, it in enumerate([*views(RED), *views(BLUE, seed=10)])]
    form = {"location": "Attic", "description": "Balls", "photos": files}
    answer = api.post("/api/photo-sets/", form, format="multipart")
    photo_set = PhotoSet.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"jobId": photo_set.job_id, "status": "queued", "photo_set": str(photo_set.pk)}
    drain(session, "photo-processing")
    shown = api.get(answer["Location"]).json()
    assert (shown["status"], shown["progress_pct"], shown["location"]) == ("ready", 100.0, "Attic")
    assert [len(item["photos"]) for item in shown["items"]] == [2, 2]


def test_one_bad_photo_of_a_form_refuses_the_form(api: Any, photo: bytes, folders: Path) -> None:
    files = [SimpleUploadedFile("1.jpg", photo), SimpleUploadedFile("2.jpg", b"nothing")]
    answer = api.post("/api/photo-sets/", {"photos": files}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (422, "photo.unusable")
    assert "2.jpg" in answer.json()["detail"]
    assert not PhotoSet.objects.exists()
    assert not Job.objects.exists()


def test_an_inventory_is_changed_and_accepted(
    api: Any, photo_set: PhotoSet, photo: bytes, session: Session, django_capture_on_commit_callbacks: Any
) -> None:
    send(api, begin(api, photo_set, len(photo))["Location"], photo, at=0)
    api.post(f"/api/photo-sets/{photo_set.pk}/start/")
    closed = begin(api, photo_set, 10)
    assert (closed.status_code, closed.json()["code"]) == (409, "photo_set.closed")
    drain(session, "photo-processing")
    address = f"/api/photo-sets/{photo_set.pk}/"
    lacking = api.post(f"{address}accept/")
    assert lacking.status_code == 400
    assert {error["field"] for error in lacking.json()["errors"]} == {
        "items.1.title",
        "items.1.price",
        "items.1.currency",
    }
    (item,) = api.get(address).json()["items"]
    line = {"id": item["id"], "title": "Red ball", "price": "3.50", "currency": "EUR", "photos": item["photos"]}
    assert api.put(f"{address}items/", {"items": [{**line, "photos": [str(uuid4())]}]}).status_code == 400
    changed = api.put(f"{address}items/", {"items": [line]})
    assert changed.json()["items"][0]["title"] == "Red ball"
    unknown = api.put(f"{address}items/", {"items": [{**line, "id": item["id"], "currency": "EUX"}]})
    assert unknown.status_code == 200
    assert api.post(f"{address}accept/").json()["errors"][0]["field"] == "items.1.currency"
    assert api.put(f"{address}items/", {"items": [line]}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):  # the files are gone after it
        accepted = api.post(f"{address}accept/")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "running")
    assert api.post(f"{address}accept/").status_code == 409
    assert api.delete(address).status_code == 409
    assert PhotoItem.objects.get().product is not None


def test_a_list_of_sets_costs_no_more_queries_than_one_set(api: Any, seller: Seller) -> None:
    counts = []
    for _ in range(3):
        photo_set = begin_set(seller, location="", description="")
        bring(photo_set, views(RED, count=1))
        start_processing(photo_set, trigger="test")
        with CaptureQueriesContext(connection) as queries:
            listed = api.get("/api/photo-sets/").json()["results"]
        counts.append(len(queries))
    assert {it["status"] for it in listed} == {"queued"}
    assert (len(listed), len(set(counts[1:]))) == (3, 1)


def test_a_set_is_discarded_with_its_files(api: Any, photo_set: PhotoSet, photo: bytes) -> None:
    send(api, begin(api, photo_set, len(photo))["Location"], photo, at=0)
    api.post(f"/api/photo-sets/{photo_set.pk}/start/")
    assert api.post(f"/api/photo-sets/{photo_set.pk}/stop/").json()["status"] == "open"
    assert api.get("/api/photo-sets/").json()["results"][0]["id"] == str(photo_set.pk)
    assert api.delete(f"/api/photo-sets/{photo_set.pk}/").status_code == 204
    assert not PhotoSet.objects.exists()
