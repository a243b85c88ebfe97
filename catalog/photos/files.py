"""The files of photos, in a private folder that web and workers share: a folder for each set.

Of each photo: as it came, its picture as it is to be shown, a thumbnail of that, and what was found out about it. What
a worker makes takes its name at once, so that a second run finds it whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from catalog.photos.models import Photo
from jobs.errors import RetryableError


class PhotoFileAway(RetryableError):
    """A photo's file is not in PHOTO_DIR of this machine."""

    code = "photos.file_away"


class PhotoNotStored(RetryableError):
    """There is no room for photos in PHOTO_DIR."""

    code = "photos.not_stored"


def set_folder(set_id: UUID) -> Path:
    """Name the folder of a set."""
    return Path(settings.PHOTO_DIR) / str(set_id)


def make_folder(set_id: UUID) -> Path:
    """Return the folder of a set; it is there, and nobody else's to read.

    Raises:
        PhotoNotStored: it cannot be made (retryable).
    """
    try:
        Path(settings.PHOTO_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = set_folder(set_id)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PhotoNotStored(f"PHOTO_DIR: {error.strerror}") from error
    return folder


def original_path(photo: Photo) -> Path:
    """Name the file of a photo as it came."""
    return set_folder(photo.photo_set_id) / f"{photo.pk}.original"


def picture_path(photo: Photo) -> Path:
    """Name the JPEG of a photo as it is to be shown."""
    return set_folder(photo.photo_set_id) / f"{photo.pk}.jpg"


def thumbnail_path(photo: Photo) -> Path:
    """Name the WebP of a photo's thumbnail."""
    return set_folder(photo.photo_set_id) / f"{photo.pk}.webp"


def findings_path(photo: Photo) -> Path:
    """Name the file of what was found out about a photo; it is written last."""
    return set_folder(photo.photo_set_id) / f"{photo.pk}.json"


def names_path(set_id: UUID, digest: str) -> Path:
    """Name the file of what a model answered to one question about a set."""
    return set_folder(set_id) / f"names-{digest}.json"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of a set, so that a reader sees all of it or nothing.

    Raises:
        PhotoFileAway: the set's folder is gone (retryable).
        PhotoNotStored: there is no room (retryable).
    """
    draft = path.with_name(f".draft-{os.getpid()}-{path.name}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except FileNotFoundError as error:
        raise PhotoFileAway(f"the folder of {path.name} is not in PHOTO_DIR, which all machines must share") from error
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PhotoNotStored(f"{path.name}: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """Return what a file says; None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def read_file(path: Path) -> bytes:
    """Return a file.

    Raises:
        PhotoFileAway: it is not here (retryable).
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoFileAway(f"{path.name} is not in PHOTO_DIR, which all machines must share") from error


def remove_photo(photo: Photo) -> None:
    """Remove all files of a photo; those that are not there do not matter."""
    for path in (original_path(photo), picture_path(photo), thumbnail_path(photo), findings_path(photo)):
        path.unlink(missing_ok=True)


def remove_set(set_id: UUID) -> None:
    """Remove a set's folder with all that is in it."""
    folder = set_folder(set_id)
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)  # a worker may be writing there; what it leaves is swept


def stored_sets() -> Iterator[UUID]:
    """Return the sets that have a folder."""
    folder = Path(settings.PHOTO_DIR)
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir() and (set_id := _set_named(path.name)) is not None:
            yield set_id


def _set_named(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
