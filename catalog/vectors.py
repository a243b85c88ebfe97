"""Vectors of products: from the store where the same input was embedded before, else from the embedder."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from catalog.embedders.contract import DIMENSIONS, Embedder
from catalog.models import StoredVector
from marketplace.models import Product

MAX_INPUT_CHARS = 4_000

Vector = NDArray[np.float32]


def embedding_text(product: Product) -> str:
    """Return what is embedded of a product. Categories are left out: they may still grow when it is embedded."""
    return "\n".join(part for part in (product.title, product.brand, product.description) if part)[:MAX_INPUT_CHARS]


def input_hash(text: str) -> str:
    """Return the digest under which the text's vector is stored."""
    return sha256(text.encode()).hexdigest()


def vectors_for(texts: Mapping[str, str], *, embedder: Embedder) -> tuple[dict[str, Vector], dict[str, Vector]]:
    """Return the vectors of texts by input hash: all of them, and those that were not stored yet."""
    known = stored_vectors(embedder.fingerprint, texts)
    missing = [digest for digest in texts if digest not in known]
    if not missing:
        return known, {}
    rows = embedder.embed([texts[digest] for digest in missing])
    if rows.shape != (len(missing), DIMENSIONS) or not np.isfinite(rows).all():
        raise ValueError(f"{embedder.fingerprint} answered {rows.shape} for {len(missing)} texts, or not with numbers")
    fresh = dict(zip(missing, rows, strict=True))
    return known | fresh, fresh


def stored_vectors(fingerprint: str, hashes: Iterable[str]) -> dict[str, Vector]:
    """Return the vectors that are stored for these inputs."""
    stored = StoredVector.objects.filter(fingerprint=fingerprint, input_hash__in=list(hashes))
    return {digest: np.frombuffer(vector, dtype="<f4") for digest, vector in stored.values_list("input_hash", "vector")}


def store_vectors(fingerprint: str, vectors: Mapping[str, Vector]) -> None:
    """Keep vectors by input hash; those that are there already stay."""
    StoredVector.objects.bulk_create(
        [
            StoredVector(fingerprint=fingerprint, input_hash=digest, vector=vector.astype("<f4").tobytes())
            for digest, vector in sorted(vectors.items())  # one order for all: two writers cannot deadlock
        ],
        ignore_conflicts=True,
    )
