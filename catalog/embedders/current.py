"""The embedders by name, and the one in use: that of the active search index, which staff may change."""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import cast

from catalog.embedders.contract import Embedder, PictureEmbedder
from catalog.embedders.gemini import GeminiEmbedder
from catalog.embedders.hashing import HashingEmbedder
from catalog.embedders.layout import LayoutEmbedder
from catalog.embedders.siglip import SiglipEmbedder, siglip_of_settings
from catalog.indexes.active import active_embedder_name

EMBEDDERS: dict[str, Callable[[], Embedder]] = {
    "hashing": HashingEmbedder,
    "siglip": siglip_of_settings,
    "gemini": GeminiEmbedder,
}

_making = Lock()  # two threads must not load a model twice


def current_embedder() -> Embedder:
    """Return the embedder of the active index, loaded once a process."""
    return embedder_named(active_embedder_name())


def current_picture_embedder() -> PictureEmbedder:
    """Return what makes vectors of pictures alone: the current embedder, where it sees pictures."""
    return picture_embedder_of(current_embedder())


def embedder_named(name: str) -> Embedder:
    """Return the embedder of that name, one a process; KeyError for a name that is not in EMBEDDERS."""
    with _making:
        return _made(name)


def picture_embedder_of(embedder: Embedder) -> PictureEmbedder:
    """Return the embedder itself where it sees pictures, else the one that needs no model."""
    if embedder.picture_weight > 0.0:
        return cast(PictureEmbedder, embedder)
    return _layout()


def warm_up() -> None:
    """Load the current embedder's model, where it has one: workers and web call this when they start."""
    embedder = current_embedder()
    if isinstance(embedder, SiglipEmbedder):
        embedder.load()


@cache
def _made(name: str) -> Embedder:
    return EMBEDDERS[name]()


@cache
def _layout() -> LayoutEmbedder:
    return LayoutEmbedder()
