"""The embedder of the business directory, which may be another than that of products."""

from functools import cache

from django.conf import settings

from catalog.embedders.contract import Embedder
from catalog.embedders.current import EMBEDDERS


def directory_embedder() -> Embedder:
    """Return the embedder of settings.DIRECTORY_EMBEDDER, loaded once a process."""
    return _embedder(settings.DIRECTORY_EMBEDDER)


@cache
def _embedder(name: str) -> Embedder:
    return EMBEDDERS[name]()
