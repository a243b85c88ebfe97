"""Make an inventory of a set: its photos improved one by one, grouped, and named.

What was found out about a photo lies beside it when it is done, so that a run after a kill goes on where the last one
stopped. One photo is in memory at a time.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.embedders.current import current_picture_embedder
from catalog.photos.files import (
    PhotoFileAway,
    findings_path,
    original_path,
    picture_path,
    read_file,
    read_json,
    thumbnail_path,
    write_whole,
)
from catalog.photos.grouping import group_photos, look_of
from catalog.photos.improving import improve_photo
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.naming import Named, Names, name_groups
from catalog.photos.uploads import MAX_BYTES
from catalog.pictures import UnusablePicture, render_picture
from jobs.errors import PermanentError, RetryableError

NAMING_PCT = 90.0  # of the progress, when all photos are done
AGAIN = "The model that names things could not be asked ({error}); fill in the names yourself."


class NoPhotoUsable(PermanentError):
    """None of the photos can be decoded; remove them and send others."""

    code = "photos.none_usable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a photo; an error code where it cannot be used."""

    crop: str = ""
    perceptual_hash: str = ""
    error_code: str = ""


Findings = Mapping[str, Finding]  # by the photo's id


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a set shows: groups of photos, by their ids, and what is known of each."""

    groups: Sequence[Sequence[str]]
    names: Names


def photos_of(set_id: Any) -> list[Photo]:
    """Return the photos of a set that is to be processed, in sequence; none where nobody wants it any more."""
    photos = Photo.objects.filter(photo_set=set_id, photo_set__status=PhotoSet.Status.QUEUED)
    return list(photos.select_related("photo_set").exclude(sha256="").order_by("position"))


def improve_photos(
    photos: Sequence[Photo], *, tell: Callable[[float, str], None], goes_on: Callable[[], bool]
) -> Findings | None:
    """Improve those photos that are not done yet; return what is known of all, None when it was to stop.

    Raises:
        PhotoFileAway, PhotoNotStored: retryable.
    """
    findings: dict[str, Finding] = {}
    for number, photo in enumerate(photos, start=1):
        if not goes_on():
            return None
        tell(NAMING_PCT * (number - 1) / len(photos), f"photo {number} of {len(photos)}")
        known = read_json(findings_path(photo))
        findings[str(photo.pk)] = Finding(**known) if known is not None else improve(photo)
    return findings


def improve(photo: Photo) -> Finding:
    """Write a photo's renditions, then what was found out about it; the same again when it is done again.

    Raises:
        PhotoFileAway, PhotoNotStored: retryable.
    """
    try:
        improved = improve_photo(original_path(photo), max_bytes=MAX_BYTES)
        rendered = render_picture(improved.jpeg)
    except FileNotFoundError as error:
        raise PhotoFileAway(f"photo {photo.pk} is not in PHOTO_DIR, which all machines must share") from error
    except UnusablePicture as error:
        finding = Finding(error_code=error.code)
    else:
        write_whole(picture_path(photo), rendered.display)
        write_whole(thumbnail_path(photo), rendered.thumbnail)
        finding = Finding(str(improved.crop), rendered.perceptual_hash)
    write_whole(findings_path(photo), json.dumps(asdict(finding)).encode())
    return finding


def make_inventory(photos: Sequence[Photo], findings: Findings, *, is_last_try: bool) -> Inventory:
    """Group the photos that can be used, and name the groups.

    Raises:
        NoPhotoUsable: permanent.
        RetryableError, RateLimitedError: the model is to be asked later; on the last try there are no names instead.
    """
    usable = [photo for photo in photos if not findings[str(photo.pk)].error_code]
    if not usable:
        raise NoPhotoUsable
    thumbnails = [read_file(thumbnail_path(photo)) for photo in usable]
    looks = [
        look_of(thumbnail, perceptual_hash=findings[str(photo.pk)].perceptual_hash)
        for photo, thumbnail in zip(usable, thumbnails, strict=True)
    ]
    embedder = current_picture_embedder()
    vectors = embedder.embed_pictures(thumbnails)
    groups = [
        [usable[index] for index in group] for group in group_photos(looks, vectors, unlike=embedder.min_similarity)
    ]
    photo_set = photos[0].photo_set
    try:
        names = name_groups(
            photo_set.pk,
            [[read_file(picture_path(photo)) for photo in group] for group in groups],
            location=photo_set.location,
            description=photo_set.description,
        )
    except RetryableError as error:
        if not is_last_try:
            raise
        names = Names([Named() for _ in groups], AGAIN.format(error=error))
    return Inventory([[str(photo.pk) for photo in group] for group in groups], names)


def kept_inventory(inventory: Inventory, findings: Findings) -> dict[str, Any]:
    """Return all that was found out as JSON, for the effect that stores it."""
    return {
        "findings": {pk: asdict(finding) for pk, finding in findings.items()},
        "items": [
            {"photos": list(group), **asdict(named)}
            for group, named in zip(inventory.groups, inventory.names.items, strict=True)
        ],
        "unnamed_because": inventory.names.unnamed_because,
    }
