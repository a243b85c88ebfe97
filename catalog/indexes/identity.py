"""What tells an embedder's index from others."""

from catalog.embedders.contract import Embedder
from catalog.embedders.current import picture_embedder_of
from catalog.indexes.collections import Kind, collection_name


def identity_of(embedder: Embedder) -> dict[str, str]:
    """Return the fingerprints and collections of an embedder's index: the fields of SearchIndex that name it."""
    pictures = picture_embedder_of(embedder)
    return {
        "fingerprint": embedder.fingerprint,
        "picture_fingerprint": pictures.fingerprint,
        "collection": collection_name(embedder.fingerprint),
        "pictures_collection": collection_name(pictures.fingerprint, Kind.PICTURES),
    }
