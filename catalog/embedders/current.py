"""The embedder that the settings name."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from catalog.embedders.contract import Embedder
from catalog.embedders.gemini import GeminiEmbedder
from catalog.embedders.hashing import HashingEmbedder

EMBEDDERS: dict[str, Callable[[], Embedder]] = {"hashing": HashingEmbedder, "gemini": GeminiEmbedder}


def current_embedder() -> Embedder:
    """Return the embedder of settings.EMBEDDER, loaded once a process."""
    return _embedder(settings.EMBEDDER)


@cache
def _embedder(name: str) -> Embedder:
    return EMBEDDERS[name]()
