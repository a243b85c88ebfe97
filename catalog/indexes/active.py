"""Which index searches go to: a row, so that staff can change it while everything runs."""

import os
import time

from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.models import SearchIndex

# How long a process may go on with an embedder after staff has put another in its place.
KNOWN_S = 1.0

_known: dict[tuple[int, str], tuple[float, str]] = {}


def active_index() -> SearchIndex:
    """Return the index that searches go to; the first call of an installation makes it one of settings.EMBEDDER."""
    active = SearchIndex.objects.filter(state=SearchIndex.State.ACTIVE)
    found = active.first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return SearchIndex.objects.create(embedder=settings.EMBEDDER, state=SearchIndex.State.ACTIVE)
    except IntegrityError:  # another process was first
        return active.get()


def active_embedder_name() -> str:
    """Return the name of the active index's embedder, as it was a second ago at most."""
    place = (os.getpid(), settings.EMBEDDER)
    known_at, name = _known.get(place, (0.0, ""))
    if not name or time.monotonic() - known_at > KNOWN_S:
        name = active_index().embedder
        _known[place] = (time.monotonic(), name)
    return name


def forget_active_index() -> None:
    """Look again at the next call which index is active."""
    _known.clear()
