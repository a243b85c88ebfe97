"""Vectors of texts, pictures and products: from the store where the input was embedded before, else from the embedder.

What was embedded is stored at once, whatever becomes of the job that asked: it may have been paid for.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from catalog.embedders.contract import DIMENSIONS, Embedder, PictureEmbedder, UnreadablePicture
from catalog.embedders.current import picture_embedder_of
from catalog.inputs import Input, current_inputs, input_hash, named_inputs, picture_hash, readable_pictures
from catalog.models import StoredVector
from marketplace.models import Picture, Product

logger = logging.getLogger(__name__)

EMBEDDED_AT_ONCE = 100  # and stored, before the next are embedded; as many texts as one call to Gemini takes

Vector = NDArray[np.float32]
NamedVector = tuple[str, Vector]


def product_vectors(products: Collection[Product], *, embedder: Embedder) -> dict[int, NamedVector]:
    """Return the vector of each product, with the name of the input that it is made of.

    That is the input which the product names, or, where it names none of this embedder, what it says and shows now.
    """
    return _vectors_of(named_inputs(products, embedder=embedder), embedder=embedder)


def current_vectors(products: Collection[Product], *, embedder: Embedder) -> dict[int, NamedVector]:
    """Return the vector that each product should have now, with the name of its input: see significance."""
    return _vectors_of(current_inputs(products, embedder=embedder), embedder=embedder)


def input_names(products: Collection[Product], *, embedder: Embedder) -> dict[int, str]:
    """Return the names of the inputs that product_vectors goes by, without embedding anything."""
    return {pk: made_of.name for pk, made_of in named_inputs(products, embedder=embedder).items()}


def text_vectors(texts: Iterable[str], *, embedder: Embedder) -> dict[str, Vector]:
    """Return the vectors of texts by input_hash(text)."""
    by_hash: dict[str, str] = {}
    for text in texts:
        by_hash.setdefault(input_hash(text), text)
    return _text_vectors(by_hash, embedder=embedder)


def picture_vectors(product_ids: Collection[int], *, embedder: PictureEmbedder) -> dict[int, Vector]:
    """Return the vectors of the products' first pictures; products without a readable one are left out."""
    pictures = readable_pictures(product_ids, fingerprint=embedder.fingerprint)
    vectors = _picture_vectors({picture_hash(it): it for it in pictures.values()}, embedder=embedder)
    return {pk: vectors[picture_hash(picture)] for pk, picture in pictures.items() if picture_hash(picture) in vectors}


def stored_vectors(fingerprint: str, hashes: Iterable[str]) -> dict[str, Vector]:
    """Return the vectors that are stored for these inputs."""
    stored = StoredVector.objects.filter(fingerprint=fingerprint, input_hash__in=list(hashes)).exclude(vector=b"")
    return {digest: np.frombuffer(vector, dtype="<f4") for digest, vector in stored.values_list("input_hash", "vector")}


def combine(text: Vector, picture: Vector, *, picture_weight: float) -> Vector:
    """Return the unit vector between a text's and a picture's."""
    mixed = (1.0 - picture_weight) * text + picture_weight * picture
    norm = float(np.linalg.norm(mixed))
    return (mixed / norm).astype(np.float32) if norm > 1e-6 else picture  # only opposite vectors cancel out


def _vectors_of(inputs: Mapping[int, Input], *, embedder: Embedder) -> dict[int, NamedVector]:
    texts = _text_vectors({it.text_hash: it.text for it in inputs.values()}, embedder=embedder)
    pictures: dict[str, Vector] = {}
    if embedder.picture_weight > 0:
        wanted = {it.picture_hash: it.picture for it in inputs.values() if it.picture_hash}
        pictures = _picture_vectors(wanted, embedder=picture_embedder_of(embedder))
    found = {}
    for pk, made_of in inputs.items():
        text, picture = texts[made_of.text_hash], pictures.get(made_of.picture_hash)
        if picture is None:
            found[pk] = (made_of.text_hash, text)
        else:
            found[pk] = (made_of.name, combine(text, picture, picture_weight=embedder.picture_weight))
    return found


def _text_vectors(texts: Mapping[str, str], *, embedder: Embedder) -> dict[str, Vector]:
    vectors = stored_vectors(embedder.fingerprint, texts)
    for digests in _parts([digest for digest in texts if digest not in vectors]):
        rows = _checked(embedder.embed([texts[digest] for digest in digests]), len(digests), embedder)
        fresh = dict(zip(digests, rows, strict=True))
        _store(embedder.fingerprint, fresh, texts)
        vectors |= fresh
    return vectors


def _picture_vectors(pictures: Mapping[str, Picture | None], *, embedder: PictureEmbedder) -> dict[str, Vector]:
    """Return the vectors of pictures by digest; those that cannot be decoded are noted as such, and left out."""
    vectors = stored_vectors(embedder.fingerprint, pictures)
    missing = {digest: it for digest, it in pictures.items() if digest not in vectors and it is not None}
    for digests in _parts(list(missing)):
        files = {digest: data for digest in digests if (data := _file_of(missing[digest]))}
        fresh = _embed_readable(files, embedder=embedder)
        unreadable = files.keys() - fresh.keys()
        _store(embedder.fingerprint, {**fresh, **dict.fromkeys(unreadable)}, {})
        vectors |= fresh
    return vectors


def _embed_readable(files: Mapping[str, bytes], *, embedder: PictureEmbedder) -> dict[str, Vector]:
    readable = dict(files)
    while readable:
        digests = list(readable)
        try:
            rows = embedder.embed_pictures(list(readable.values()))
        except UnreadablePicture as error:
            digest = digests[error.position]
            logger.warning("a picture cannot be embedded", extra={"picture": digest, "problem": str(error)})
            del readable[digest]
            continue
        return dict(zip(digests, _checked(rows, len(digests), embedder), strict=True))
    return {}


def _file_of(picture: Picture) -> bytes:
    """Return the thumbnail, which is larger than what models look at, or the display rendition; empty without both."""
    for name in (picture.thumbnail.name, picture.display.name):
        path = Path(settings.MEDIA_ROOT) / name if name else None
        if path is not None and path.is_file():
            return path.read_bytes()
    logger.warning(
        "a picture's files are not below MEDIA_ROOT: this host must share it with those that fetch pictures",
        extra={"product": picture.product_id, "picture": picture.sha256},
    )
    return b""


def _parts(digests: list[str]) -> Iterator[list[str]]:
    return (digests[start : start + EMBEDDED_AT_ONCE] for start in range(0, len(digests), EMBEDDED_AT_ONCE))


def _checked(rows: Any, count: int, embedder: Embedder | PictureEmbedder) -> Any:
    if rows.shape != (count, DIMENSIONS) or not np.isfinite(rows).all():
        raise ValueError(f"{embedder.fingerprint} answered {rows.shape} for {count} inputs, or not with numbers")
    return rows


def _store(fingerprint: str, vectors: Mapping[str, Vector | None], texts: Mapping[str, str]) -> None:
    """Keep vectors by digest, with what they are made of; those that are there already stay."""
    StoredVector.objects.bulk_create(
        [
            StoredVector(
                fingerprint=fingerprint,
                input_hash=digest,
                text=texts.get(digest, ""),
                vector=b"" if vector is None else vector.astype("<f4").tobytes(),
            )
            for digest, vector in sorted(vectors.items())  # one order for all: two writers cannot deadlock
        ],
        ignore_conflicts=True,
    )
