"""The tus protocol 1.0.0 for resumable uploads, with creation, expiration, checksum and termination.

One function for each method, from a request to an answer; who may ask, and which set it is, is for the caller to know.
Source: tus.io, "Resumable Upload Protocol 1.0.0".
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date

from catalog.photos.files import PhotoNotStored
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.uploads import (
    CHECKSUMS,
    MAX_BYTES,
    Checksum,
    PhotoRefused,
    PhotoTooLarge,
    SetClosed,
    TooManyPhotos,
    UploadBusy,
    WrongChecksum,
    WrongOffset,
    begin_upload,
    remove_upload,
    take_piece,
)

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
PIECE_TYPE = "application/offset+octet-stream"
PIECE_BYTES = 256 * 1024
CHECKSUM_MISMATCH = 460
METHODS = ("OPTIONS", "POST", "HEAD", "PATCH", "DELETE")


class TusRefused(Exception):
    """The request is answered with an error: its status, a stable code, and what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Problem:
    """How a refusal of the core is told."""

    status: int
    code: str


_STATUSES: tuple[tuple[type[Exception], Problem], ...] = (
    (PhotoTooLarge, Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, PhotoTooLarge.code)),
    (TooManyPhotos, Problem(HTTPStatus.CONFLICT, TooManyPhotos.code)),
    (SetClosed, Problem(HTTPStatus.CONFLICT, SetClosed.code)),
    (WrongOffset, Problem(HTTPStatus.CONFLICT, "upload.wrong_offset")),
    (UploadBusy, Problem(HTTPStatus.LOCKED, "upload.busy")),
    (WrongChecksum, Problem(CHECKSUM_MISMATCH, "upload.wrong_checksum")),
    (Photo.DoesNotExist, Problem(HTTPStatus.NOT_FOUND, "upload.gone")),
    (PhotoNotStored, Problem(HTTPStatus.INSUFFICIENT_STORAGE, PhotoNotStored.code)),
)


def method_of(request: HttpRequest) -> str:
    """Return what the request asks for; a client that can only POST says it in a header."""
    named = request.headers.get("X-HTTP-Method-Override", "") if request.method == "POST" else ""
    return (named or request.method or "").upper()


def answer(
    request: HttpRequest, photo_set: PhotoSet, photo_id: UUID | None, *, location: Callable[[Photo], str]
) -> HttpResponse:
    """Answer a request about a set's uploads, or about one of them.

    Raises:
        TusRefused: what is wrong, with the status that the protocol gives it; `headers` belong on that answer too.
    """
    method = method_of(request)
    if method == "OPTIONS":
        return _answer(HTTPStatus.NO_CONTENT, **OPTIONS)
    if request.headers.get("Tus-Resumable") != VERSION:
        raise TusRefused(HTTPStatus.PRECONDITION_FAILED, "upload.version", f"Send the header Tus-Resumable: {VERSION}.")
    try:
        if photo_id is None and method == "POST":
            return _create(request, photo_set, location)
        if photo_id is not None and method in ("HEAD", "PATCH", "DELETE"):
            photo = Photo.objects.get(pk=photo_id, photo_set=photo_set)
            return {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}[method](request, photo)
    except (PhotoRefused, WrongOffset, WrongChecksum, UploadBusy, PhotoNotStored, Photo.DoesNotExist) as error:
        raise refused(error) from error
    raise TusRefused(HTTPStatus.METHOD_NOT_ALLOWED, "request.method_not_allowed", f"{method} is not for this address.")


def refused(error: Exception) -> TusRefused:
    """Return how an error of the core is told."""
    for kind, problem in _STATUSES:
        if isinstance(error, kind):
            message = "There is no such upload, or not any more." if kind is Photo.DoesNotExist else str(error)
            return TusRefused(problem.status, problem.code, message)
    code = error.code if isinstance(error, PhotoRefused) else PhotoRefused.code
    return TusRefused(HTTPStatus.UNPROCESSABLE_ENTITY, code, str(error))


OPTIONS = {
    "Tus-Version": VERSION,
    "Tus-Extension": EXTENSIONS,
    "Tus-Max-Size": str(MAX_BYTES),
    "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
}


def _create(request: HttpRequest, photo_set: PhotoSet, location: Callable[[Photo], str]) -> HttpResponse:
    size_bytes = _number(request, "Upload-Length")
    photo = begin_upload(photo_set.pk, name=_file_name(request), size_bytes=size_bytes)
    return _answer(HTTPStatus.CREATED, Location=location(photo), **{"Upload-Offset": "0"}, **_expires(photo))


def _head(request: HttpRequest, photo: Photo) -> HttpResponse:
    standing = {"Upload-Offset": str(photo.received_bytes), "Upload-Length": str(photo.size_bytes)}
    return _answer(HTTPStatus.OK, **standing, **{"Cache-Control": "no-store"}, **_expires(photo))


def _patch(request: HttpRequest, photo: Photo) -> HttpResponse:
    if request.content_type != PIECE_TYPE:
        raise TusRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "upload.media_type", f"Send pieces as {PIECE_TYPE}.")
    offset = _number(request, "Upload-Offset")
    photo = take_piece(photo.pk, offset=offset, pieces=_pieces(request), checksum=_checksum(request))
    return _answer(HTTPStatus.NO_CONTENT, **{"Upload-Offset": str(photo.received_bytes)}, **_expires(photo))


def _delete(request: HttpRequest, photo: Photo) -> HttpResponse:
    remove_upload(photo)
    return _answer(HTTPStatus.NO_CONTENT)


def _answer(status: HTTPStatus, **headers: str) -> HttpResponse:
    return HttpResponse(status=status, headers={"Tus-Resumable": VERSION, **headers})


def _expires(photo: Photo) -> dict[str, str]:
    return {} if photo.is_complete else {"Upload-Expires": http_date(photo.expires_at.timestamp())}


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(PIECE_BYTES):
        yield piece


def _number(request: HttpRequest, name: str) -> int:
    given = request.headers.get(name, "")
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        raise TusRefused(HTTPStatus.BAD_REQUEST, "upload.malformed", f"Send the header {name}: a number of bytes.")
    return int(given)


def _checksum(request: HttpRequest) -> Checksum | None:
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, encoded = given.partition(" ")
    if algorithm not in CHECKSUMS:
        known = ", ".join(CHECKSUMS)
        raise TusRefused(
            HTTPStatus.BAD_REQUEST, "upload.malformed", f"Upload-Checksum knows {known}, not {algorithm!r}."
        )
    return Checksum(algorithm, _decoded(encoded, "Upload-Checksum"))


def _file_name(request: HttpRequest) -> str:
    """Return the file's name, which clients send as `filename` or `name` in base64."""
    pairs = (pair.split() for pair in request.headers.get("Upload-Metadata", "").split(",") if pair.strip())
    told = {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}
    encoded = told.get("filename") or told.get("name") or ""
    name = _decoded(encoded, "Upload-Metadata").decode(errors="replace").replace("\x00", "")
    return name.replace("\\", "/").rpartition("/")[2]


def _decoded(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TusRefused(HTTPStatus.BAD_REQUEST, "upload.malformed", f"{header} is not in base64.") from error
