"""Uploads of photos: begun with their size, brought in pieces, checked when they are whole."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Max
from django.utils import timezone

from catalog.photos.files import PhotoNotStored, make_folder, original_path, remove_photo
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.sets import takes_photos
from catalog.pictures import OversizedPicture, PictureHeader, UnusablePicture, picture_file_header

MAX_PHOTOS = 30
MAX_BYTES = 20 * 2**20
MAX_PIXELS_UNLESS_JPEG = 24_000_000  # only a JPEG can be made smaller while it is decoded
MIN_SIDE_PX = 100  # less is refused by every marketplace; Source: Google Merchant Center, "Image link"
UNFINISHED_FOR = timedelta(hours=24)
CHECKSUMS = ("sha1", "sha256", "md5")
FORMATS_TEXT = (
    "Send JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF; phones make JPEG of HEIC when asked for the most compatible"
)


class PhotoRefused(Exception):
    """The photo is not taken; the message says why, and what to do."""

    code = "photo.refused"


class TooManyPhotos(PhotoRefused):
    """A set has 30 photos at most."""

    code = "photo.too_many"


class PhotoTooLarge(PhotoRefused):
    """A photo has 20 MiB at most."""

    code = "photo.too_large"


class PhotoIsNone(PhotoRefused):
    """The file is no picture that can be used."""

    code = "photo.unusable"


class PhotoTwice(PhotoRefused):
    """The set has the very same photo already."""

    code = "photo.duplicate"


class SetClosed(PhotoRefused):
    """The set takes no photos: its inventory is being made, or was made."""

    code = "photo_set.closed"


class UploadStopped(Exception):
    """The pieces of an upload do not fit what is here."""


class WrongOffset(UploadStopped):
    """The piece does not begin where the last one ended."""


class WrongChecksum(UploadStopped):
    """The piece did not come as it was sent; it was thrown away."""


class UploadBusy(UploadStopped):
    """Another piece of the same photo is just being written."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece must come to: one of CHECKSUMS, and the digest."""

    algorithm: str
    digest: bytes


def begin_upload(set_id: UUID, *, name: str, size_bytes: int) -> Photo:
    """Take a place in the sequence for a photo that is to come.

    Raises:
        PhotoTooLarge, PhotoIsNone, TooManyPhotos, SetClosed: it will not be taken.
        PhotoNotStored: there is no room.
    """
    if size_bytes > MAX_BYTES:
        raise PhotoTooLarge(f"The photo has {size_bytes / 2**20:.1f} MiB; the most is {MAX_BYTES // 2**20} MiB.")
    if size_bytes == 0:
        raise PhotoIsNone("The file is empty. Choose the photo again.")
    make_folder(set_id)
    with transaction.atomic():
        photo_set = PhotoSet.objects.select_for_update().get(pk=set_id)
        _check_open(photo_set)
        photos = Photo.objects.filter(photo_set=photo_set)
        if photos.count() >= MAX_PHOTOS:
            raise TooManyPhotos(f"A set has {MAX_PHOTOS} photos at most. Begin another one for the rest.")
        last = photos.aggregate(last=Max("position"))["last"] or 0
        return Photo.objects.create(
            photo_set=photo_set,
            position=last + 1,
            name=name[-200:],
            size_bytes=size_bytes,
            expires_at=timezone.now() + UNFINISHED_FOR,
        )


def take_piece(photo_id: UUID, *, offset: int, pieces: Iterable[bytes], checksum: Checksum | None = None) -> Photo:
    """Write what follows at the offset, and return the photo; when it is whole it is checked.

    Of a request whose connection broke nothing is here: the ASGI handler reads a request whole before it is answered,
    and forgets one that ends early. The row's count is the truth: what a killed process wrote beyond it is written
    again.

    Raises:
        WrongOffset, WrongChecksum, UploadBusy: nothing was taken.
        PhotoTooLarge: it is more than was announced; nothing was taken.
        PhotoIsNone, PhotoTwice: it is whole, and of no use; it is gone.
        SetClosed: it came too late.
        PhotoNotStored: there is no room.
        Photo.DoesNotExist: there is no such upload, or not any more.
    """
    problem: PhotoRefused | None = None
    with transaction.atomic():
        photo = _locked(photo_id)
        _check_open(photo.photo_set)
        if offset != photo.received_bytes:
            raise WrongOffset(f"The next byte is number {photo.received_bytes}, not {offset}.")
        photo.received_bytes += _write(photo, pieces, checksum)
        photo.expires_at = timezone.now() + UNFINISHED_FOR
        if photo.received_bytes == photo.size_bytes and not photo.is_complete:
            problem = _complete(photo)
        if problem is None:
            problem = _saved(photo)
        if problem is not None:
            Photo.objects.filter(pk=photo.pk).delete()  # the instance keeps its id, which names its files
    if problem is not None:
        remove_photo(photo)
        raise problem
    return photo


def take_whole(set_id: UUID, *, name: str, size_bytes: int, pieces: Iterable[bytes]) -> Photo:
    """Take a photo that comes in one request.

    Raises:
        PhotoRefused: it is not taken; what there was of it is gone.
        PhotoNotStored: there is no room.
    """
    photo = begin_upload(set_id, name=name, size_bytes=size_bytes)
    try:
        return take_piece(photo.pk, offset=0, pieces=pieces)
    except (PhotoRefused, PhotoNotStored):
        Photo.objects.filter(pk=photo.pk).delete()
        remove_photo(photo)
        raise


def remove_upload(photo: Photo) -> None:
    """Forget a photo, finished or not; the sequence of the others stays.

    Raises:
        SetClosed: its inventory is being made, or was made.
        UploadBusy: a piece of it is just being written.
        Photo.DoesNotExist: it is gone already.
    """
    with transaction.atomic():
        _check_open(_locked(photo.pk).photo_set)
        Photo.objects.filter(pk=photo.pk).delete()
    remove_photo(photo)


def _check_open(photo_set: PhotoSet) -> None:
    if not takes_photos(photo_set):
        raise SetClosed("The set takes no more photos. Stop its processing, or begin another set.")


def _locked(photo_id: UUID) -> Photo:
    photos = Photo.objects.select_for_update(of=("self",), nowait=True).select_related("photo_set")
    try:
        return photos.get(pk=photo_id)
    except OperationalError as error:
        raise UploadBusy("Another piece of this photo is being written. Ask where it stands, then go on.") from error


def _write(photo: Photo, pieces: Iterable[bytes], checksum: Checksum | None) -> int:
    """Write pieces after what is there, and return how many bytes they were."""
    digest = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
    left = photo.size_bytes - photo.received_bytes
    written = 0
    path = original_path(photo)
    with _told_as_no_room(path.name):
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            file.seek(photo.received_bytes)
            for piece in pieces:
                if written + len(piece) > left:
                    raise PhotoTooLarge(f"More came than the {photo.size_bytes} bytes that were announced.")
                file.write(piece)
                written += len(piece)
                if digest is not None:
                    digest.update(piece)
            if digest is not None and checksum is not None and digest.digest() != checksum.digest:
                raise WrongChecksum("The piece did not arrive as it was sent. Send it again.")
            file.truncate(photo.received_bytes + written)
    return written


@contextmanager
def _told_as_no_room(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PhotoNotStored(f"{name}: {error.strerror}") from error


def _complete(photo: Photo) -> PhotoRefused | None:
    """Check a photo that is whole, and write down what it is; return what is wrong with it."""
    path = original_path(photo)
    try:
        header = picture_file_header(path, max_bytes=MAX_BYTES)
        _check_size(header)
    except OversizedPicture as error:
        return PhotoTooLarge(f"{photo}: {error}. Make it smaller.")
    except UnusablePicture:
        return PhotoIsNone(f"{photo} is no picture that we can read. {FORMATS_TEXT}.")
    except PhotoIsNone as error:
        return error
    with path.open("rb") as file:
        photo.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    photo.width_px, photo.height_px = header.width_px, header.height_px
    return None


def _saved(photo: Photo) -> PhotoTwice | None:
    """Save a photo, or return which one of its set it repeats; two copies may come at once."""
    try:
        with transaction.atomic():
            photo.save()
    except IntegrityError as error:
        if "photo_once_a_set" not in str(error):
            raise
        twin = Photo.objects.filter(photo_set=photo.photo_set_id, sha256=photo.sha256).exclude(pk=photo.pk).first()
        named = f"{twin}, photo {twin.position} of the set" if twin else "another one of the set"
        return PhotoTwice(f"{photo} is the same file as {named}; it was left out.")
    return None


def _check_size(header: PictureHeader) -> None:
    if min(header.width_px, header.height_px) < MIN_SIDE_PX:
        raise PhotoIsNone(
            f"The photo is {header.width_px} x {header.height_px} px; it needs {MIN_SIDE_PX} px on each side."
        )
    if not header.is_jpeg and header.width_px * header.height_px > MAX_PIXELS_UNLESS_JPEG:
        most = MAX_PIXELS_UNLESS_JPEG // 1_000_000
        raise OversizedPicture(f"only a JPEG may have more than {most} megapixels")
