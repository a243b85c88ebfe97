"""Inventories: stored as they are proposed, changed by their sellers, and accepted as products."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.extraction.currencies import minor_digits
from catalog.galleries import render_into
from catalog.photos.files import picture_path, read_file, remove_set
from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.photos.sets import NotOpen, items_of, keep_for
from catalog.sources.photos import NAME, external_id_of, picture_address
from catalog.sources.source import MAX_PICTURES
from marketplace.models import Picture, Product, SyncRun
from marketplace.notifications.telling import Kind, tell
from marketplace.syncs import Given, start_import

Status = PhotoSet.Status


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """A line of the inventory as its seller wants it. A photo that no line has is left out."""

    title: str
    count: int
    location: str
    description: str
    price: Decimal | None
    currency: str
    photos: Sequence[UUID]
    item_id: int | None = None  # None: a new line


@dataclass(frozen=True, slots=True)
class Lack:
    """What a line needs before it can be accepted: the item's position, the field, and what to do."""

    position: int
    field: str
    message: str


class IncompleteInventory(Exception):
    """Some lines lack what buyers need."""

    code = "photo_set.incomplete_inventory"

    def __init__(self, lacks: Sequence[Lack]) -> None:
        super().__init__(" ".join(f"Item {it.position}: {it.message}" for it in lacks))
        self.lacks = lacks


class UnknownParts(ValueError):
    """The lines name photos or items that the set does not have, or name one twice."""


def store_inventory(set_id: Any, made: Mapping[str, Any]) -> None:
    """Write what a job made of a set, in the caller's transaction, and tell its seller; once only."""
    row = PhotoSet.objects.select_for_update().filter(pk=set_id, status=Status.QUEUED).first()
    if row is None:
        return
    PhotoItem.objects.filter(photo_set=row).delete()
    photos = {str(photo.pk): photo for photo in Photo.objects.filter(photo_set=row)}
    items = PhotoItem.objects.bulk_create(
        [
            PhotoItem(
                photo_set=row,
                position=position,
                title=item["title"],
                count=item["count"],
                location=row.location,
                description=item["description"],
                model=item["model"],
            )
            for position, item in enumerate(made["items"], start=1)
        ]
    )
    for pk, finding in made["findings"].items():
        if pk in photos:
            photos[pk].crop, photos[pk].error_code = finding["crop"], finding["error_code"]
    for row_item, item in zip(items, made["items"], strict=True):
        for pk in item["photos"]:
            if pk in photos:
                photos[pk].item = row_item
    Photo.objects.bulk_update(photos.values(), ["crop", "error_code", "item"])
    row.status, row.ready_at = Status.READY, timezone.now()
    row.unnamed_because = made["unnamed_because"]
    row.expires_at = timezone.now() + keep_for()
    row.save(update_fields=["status", "ready_at", "unnamed_because", "expires_at"])
    tell(
        Kind.INVENTORY_READY,
        seller_id=row.seller_id,
        subjects=[{"photo_set": str(row.pk), "title": str(row)}],
        facts={"photo_set": str(row.pk), "items": len(items), "photos": len(photos)},
    )


def change_inventory(photo_set: PhotoSet, drafts: Sequence[ItemDraft]) -> None:
    """Put these lines in place of the inventory's, in this order; lines that are not among them go.

    Raises:
        NotOpen: there is no inventory, or it was accepted.
        UnknownParts: nothing was changed.
    """
    with transaction.atomic():
        row = _ready(photo_set)
        items = {item.pk: item for item in PhotoItem.objects.filter(photo_set=row)}
        photos = {photo.pk: photo for photo in Photo.objects.filter(photo_set=row)}
        _check_parts(drafts, items, photos)
        PhotoItem.objects.filter(photo_set=row).exclude(pk__in=[it.item_id for it in drafts if it.item_id]).delete()
        for item in items.values():  # out of the way: a position is taken once
            item.position += 10_000
        kept = [items[draft.item_id] for draft in drafts if draft.item_id]
        PhotoItem.objects.bulk_update(kept, ["position"])
        for photo in photos.values():
            photo.item = None
        for position, draft in enumerate(drafts, start=1):
            item = items[draft.item_id] if draft.item_id else PhotoItem(photo_set=row)
            if (item.title, item.count, item.description) != (draft.title, draft.count, draft.description):
                item.model = ""  # it is the seller's word now
            item.position, item.title, item.count = position, draft.title, draft.count
            item.location, item.description = draft.location, draft.description
            item.price, item.currency = draft.price, draft.currency
            item.save()
            for pk in draft.photos:
                photos[pk].item = item
        Photo.objects.bulk_update(photos.values(), ["item"])


def accept_inventory(photo_set: PhotoSet, *, trigger: str) -> SyncRun:
    """Make products of the lines, by a sync of their own; return it. Nothing is shown to buyers before it was checked.

    The pictures are stored first, so that no stage fetches them. Products of the seller's other sources stay.

    Raises:
        NotOpen: there is no inventory, or it was accepted.
        IncompleteInventory: nothing was done.
        SyncRunning, SellerSuspended, TooManyJobs: nothing was done; try again later.
        PhotoFileAway: a photo is not here (retryable).
    """
    if photo_set.status != Status.READY:
        raise NotOpen("There is no inventory to accept: it is not made yet, or was accepted.")
    _check_complete(list(items_of(photo_set)))
    pictures = {
        item.pk: [_picture(photo, number) for number, photo in enumerate(_shown(item))] for item in items_of(photo_set)
    }
    with transaction.atomic():
        row = _ready(photo_set)
        items = list(items_of(row).select_for_update(of=("self",)))
        _check_complete(items)
        if {item.pk: [photo.sha256 for photo in _shown(item)] for item in items} != {
            pk: [it.source_address.rpartition(":")[2] for it in its] for pk, its in pictures.items()
        }:
            raise NotOpen("The inventory has just been changed. Look at it again.")
        for item in items:
            item.product = Product.objects.create(seller_id=row.seller_id, external_id=external_id_of(item))
            for picture in pictures[item.pk]:
                picture.product = item.product
            Picture.objects.bulk_create(pictures[item.pk])
        PhotoItem.objects.bulk_update(items, ["product"])
        given = Given(SyncRun.Origin.PHOTOS, {NAME: str(row.pk)}, keeps_others=True)
        row.sync = start_import(seller=row.seller, given=given, trigger=trigger, is_submission=True)
        row.status, row.accepted_at = Status.ACCEPTED, timezone.now()
        row.expires_at = timezone.now() + keep_for()  # its sync reads the lines, however long that waits
        row.save(update_fields=["sync", "status", "accepted_at", "expires_at"])
        transaction.on_commit(lambda: remove_set(row.pk))
    return row.sync


def lacks_of(items: Sequence[PhotoItem]) -> list[Lack]:
    """Return what the lines need before they can be accepted."""
    lacks = []
    for item in items:
        if not item.title.strip():
            lacks.append(Lack(item.position, "title", "Give it a name."))
        if item.price is None or item.price <= 0:
            lacks.append(Lack(item.position, "price", "Give it a price."))
        if not item.currency:
            lacks.append(Lack(item.position, "currency", "Say in which currency the price is."))
        elif minor_digits(item.currency) is None:
            lacks.append(Lack(item.position, "currency", f"{item.currency} is no currency (ISO 4217), such as EUR."))
        if not _shown(item):
            lacks.append(Lack(item.position, "photos", "Give it a photo, or remove it."))
    return lacks


def _check_complete(items: Sequence[PhotoItem]) -> None:
    if not items:
        raise IncompleteInventory([Lack(1, "items", "There is none: keep one at least, or discard the set.")])
    if lacks := lacks_of(items):
        raise IncompleteInventory(lacks)


def _ready(photo_set: PhotoSet) -> PhotoSet:
    row = PhotoSet.objects.select_for_update().get(pk=photo_set.pk)
    if row.status != Status.READY:
        raise NotOpen("There is no inventory to change: it is not made yet, or was accepted.")
    return row


def _shown(item: PhotoItem) -> list[Photo]:
    """Return the photos that buyers will see, in sequence."""
    return sorted((it for it in item.photos.all() if not it.error_code), key=lambda it: it.position)[:MAX_PICTURES]


def _picture(photo: Photo, position: int) -> Picture:
    """Return a picture without its product; its files are in MEDIA_ROOT, under the name of their content."""
    picture = Picture(position=position, source_address=picture_address(photo))
    render_into(picture, read_file(picture_path(photo)))
    return picture


def _check_parts(drafts: Sequence[ItemDraft], items: Collection[int], photos: Mapping[UUID, Photo]) -> None:
    named = [draft.item_id for draft in drafts if draft.item_id is not None]
    used = [pk for draft in drafts for pk in draft.photos]
    if len(set(named)) < len(named) or not set(named) <= set(items):
        raise UnknownParts("An item is not one of this set, or stands there twice.")
    if len(set(used)) < len(used) or not set(used) <= set(photos):
        raise UnknownParts("A photo is not one of this set, or belongs to two items.")
    if any(photos[pk].error_code for pk in used):
        raise UnknownParts("A photo that cannot be decoded cannot be shown; leave it out.")
