"""The embedder in use: the one of the active search index, which staff may change."""

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.embedders.contract import Embedder, PictureEmbedder
from catalog.embedders.hashing import HashingEmbedder
from catalog.indexes.collections import Kind, collection_name
from catalog.models import SearchIndex

EMBEDDERS: dict[str, Callable[[], Embedder]] = {"hashing": HashingEmbedder}
# What looks at pictures where the embedder itself does not.
PICTURE_EMBEDDER: Callable[[], PictureEmbedder] | None = None

# How long a process may go on with an embedder after staff has put another in its place.
KNOWN_S = 1.0

_known: dict[tuple[int, str], tuple[float, str]] = {}


def current_embedder() -> Embedder:
    """Return the embedder of the active index, loaded once a process."""
    place = (os.getpid(), settings.EMBEDDER)
    known_at, name = _known.get(place, (0.0, ""))
    if not name or time.monotonic() - known_at > KNOWN_S:
        name = active_index().embedder
        _known[place] = (time.monotonic(), name)
    return embedder_named(name)


def current_picture_embedder() -> PictureEmbedder | None:
    """Return what looks at pictures beside the embedder of the active index; None: nothing does."""
    return picture_embedder_of(current_embedder())


def forget_current_embedder() -> None:
    """Look again at the next call which embedder is in use."""
    _known.clear()


def active_index() -> SearchIndex:
    """Return the index that searches go to; the first call of an installation makes it one of settings.EMBEDDER."""
    active = SearchIndex.objects.filter(state=SearchIndex.State.ACTIVE)
    found = active.first()
    if found is not None:
        return found
    identity = identity_of(embedder_named(settings.EMBEDDER))
    try:
        with transaction.atomic():
            return SearchIndex.objects.create(embedder=settings.EMBEDDER, state=SearchIndex.State.ACTIVE, **identity)
    except IntegrityError:  # another process was first
        return active.get()


def identity_of(embedder: Embedder) -> dict[str, str]:
    """Return what tells an embedder's index from others: the fields of SearchIndex that name it."""
    pictures = picture_embedder_of(embedder)
    return {
        "fingerprint": embedder.fingerprint,
        "picture_fingerprint": pictures.fingerprint if pictures else "",
        "collection": collection_name(embedder.fingerprint),
        "pictures_collection": collection_name(pictures.fingerprint, Kind.PICTURES) if pictures else "",
    }


@cache
def embedder_named(name: str) -> Embedder:
    """Return the embedder of that name in EMBEDDERS, loaded once a process."""
    return EMBEDDERS[name]()


def picture_embedder_of(embedder: Any) -> PictureEmbedder | None:
    """Return the embedder itself where it looks at pictures, else the one that does so for all others."""
    if embedder.picture_weight > 0:
        looks: PictureEmbedder = embedder
        return looks
    return _picture_embedder()


@cache
def _picture_embedder() -> PictureEmbedder | None:
    return PICTURE_EMBEDDER() if PICTURE_EMBEDDER else None
