"""The seller's pages of photos, without scripts."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.photos.sets import begin_set
from jobs.session import Session
from marketplace.accounts.models import SellerMember
from marketplace.models import Product, Seller
from tests.catalog.photos.conftest import BLUE, RED, bring, views
from tests.catalog.photos.drawing import jpeg
from tests.catalog.products import drain, make_seller


@pytest.fixture
def client(seller: Seller) -> Client:
    cache.clear()
    user = User.objects.create_user("mara")
    SellerMember.objects.create(seller=seller, user=user)
    opened = Client()
    opened.force_login(user)
    return opened


@pytest.fixture
def ready(photo_set: PhotoSet, session: Session, client: Client) -> PhotoSet:
    bring(photo_set, [*views(RED), *views(BLUE, seed=10)])
    client.post(reverse("seller-photo-set-act", args=[photo_set.pk, "start"]))
    drain(session, "photo-processing")
    photo_set.refresh_from_db()
    assert photo_set.status == "ready"
    return photo_set


def fields(photo_set: PhotoSet, **changes: str) -> dict[str, Any]:
    """Return what the form of the inventory sends when nothing but these fields is changed."""
    sent: dict[str, Any] = {}
    for item in PhotoItem.objects.filter(photo_set=photo_set):
        told = {"title": f"Ball {item.position}", "count": "1", "price": "4.00", "currency": "eur", "location": "",
                "description": ""}  # fmt: skip
        sent |= {f"item-{item.pk}-{name}": value for name, value in (told | changes).items()}
    for photo in Photo.objects.filter(photo_set=photo_set):
        sent[f"photo-{photo.pk}"] = str(photo.item_id)
    return sent


def test_a_form_begins_a_set_with_its_photos(client: Client, seller: Seller) -> None:
    files = [SimpleUploadedFile("1.jpg", jpeg(views(RED)[0])), SimpleUploadedFile("2.pdf", b"%PDF")]
    page = client.post(reverse("seller-photos"), {"location": "Attic", "description": "", "photos": files}, follow=True)
    text = page.content.decode()
    assert "1 photo uploaded." in text
    assert "2.pdf is no picture that we can read" in text
    assert "Make the inventory of 1 photo" in text
    photo_set = PhotoSet.objects.get(seller=seller)
    assert (photo_set.location, photo_set.photos.count()) == ("Attic", 1)
    assert "Attic" in client.get(reverse("seller-photos")).content.decode()


def test_a_photo_is_removed(client: Client, photo_set: PhotoSet) -> None:
    bring(photo_set, views(RED))
    photo = Photo.objects.first()
    assert photo is not None
    client.post(reverse("seller-remove-photo", args=[photo_set.pk, photo.pk]))
    assert Photo.objects.count() == 1


def test_a_started_set_shows_how_far_it_is_and_can_be_stopped(client: Client, photo_set: PhotoSet) -> None:
    bring(photo_set, views(RED))
    page = client.post(reverse("seller-photo-set-act", args=[photo_set.pk, "start"]), follow=True)
    assert "<progress" in page.content.decode()
    page = client.post(reverse("seller-photo-set-act", args=[photo_set.pk, "stop"]), follow=True)
    assert "Make the inventory of 2 photos" in page.content.decode()


def test_an_inventory_without_prices_is_saved_and_not_accepted(client: Client, ready: PhotoSet) -> None:
    sent = fields(ready, price="") | {"accept": "1"}
    page = client.post(reverse("seller-inventory", args=[ready.pk]), sent, follow=True)
    assert "Item 1: Give it a price." in page.content.decode()
    assert list(PhotoItem.objects.values_list("title", flat=True)) == ["Ball 1", "Ball 2"]
    assert not Product.objects.exists()


def test_fields_that_make_no_sense_are_shown_again_with_what_was_sent(client: Client, ready: PhotoSet) -> None:
    page = client.post(reverse("seller-inventory", args=[ready.pk]), fields(ready, count="0", title="Kept <b>"))
    text = page.content.decode()
    assert page.status_code == 422
    assert "Kept &lt;b&gt;" in text
    assert "greater than or equal to 1" in text
    assert set(PhotoItem.objects.values_list("title", flat=True)) == {""}


def test_photos_move_between_items_and_the_rest_is_accepted(client: Client, ready: PhotoSet) -> None:
    first, second = PhotoItem.objects.all()
    photos = list(Photo.objects.order_by("position"))
    sent = fields(ready)
    sent |= {f"photo-{photos[0].pk}": "new", f"photo-{photos[1].pk}": "none", f"photo-{photos[3].pk}": str(first.pk)}
    client.post(reverse("seller-inventory", args=[ready.pk]), {**sent, "save": "1"})
    items = list(PhotoItem.objects.all())
    assert [[it.position for it in item.photos.order_by("position")] for item in items] == [[4], [3], [1]]
    sent = fields(ready) | {f"remove-{second.pk}": "on", "accept": "1"}
    page = client.post(reverse("seller-inventory", args=[ready.pk]), sent, follow=True)
    assert "Accepted." in page.content.decode()
    assert Product.objects.count() == 2
    assert set(PhotoItem.objects.values_list("currency", flat=True)) == {"EUR"}


def test_another_sellers_photos_are_nowhere_to_be_seen(client: Client, ready: PhotoSet) -> None:
    other = begin_set(make_seller("Other"), location="Their attic", description="")
    bring(other, views(RED))
    photo = other.photos.first()
    assert photo is not None
    assert "Their attic" not in client.get(reverse("seller-photos")).content.decode()
    for address in (
        reverse("seller-photo-set", args=[other.pk]),
        reverse("seller-photo-file", args=[other.pk, photo.pk, "picture"]),
        reverse("seller-photo-file", args=[ready.pk, photo.pk, "picture"]),
        reverse("seller-photo-set", args=[uuid4()]),
    ):
        assert client.get(address).status_code == 404
    assert client.post(reverse("seller-photo-set-act", args=[other.pk, "discard"])).status_code == 404
    own = ready.photos.first()
    assert own is not None
    shown = client.get(reverse("seller-photo-file", args=[ready.pk, own.pk, "thumbnail"]))
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/webp")
    assert b"".join(shown.streaming_content)[8:12] == b"WEBP"


def test_a_link_that_names_another_method_does_nothing(client: Client, photo_set: PhotoSet) -> None:
    bring(photo_set, views(RED))
    photo = photo_set.photos.first()
    assert photo is not None
    address = reverse("seller-photo-upload", args=[photo_set.pk, photo.pk])
    answer = client.get(address, headers={"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 405
    assert Photo.objects.count() == 2


def test_a_stranger_is_asked_to_log_in(ready: PhotoSet) -> None:
    assert Client().get(reverse("seller-photo-set", args=[ready.pk])).status_code == 302
    assert Client().head(reverse("seller-photo-uploads", args=[ready.pk])).status_code == 302
