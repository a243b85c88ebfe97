"""Embed by hashing words and pieces of words: deterministic, offline, fast, without any model."""

import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from catalog.embedders.contract import DIMENSIONS, Vectors
from catalog.words import stems

PIECE_LENGTHS = (3, 4)
# All its pieces together count as much as the word: an equal word beats a similar one by far, and a misspelt
# word still finds its neighbours through the pieces that it shares with them.
PIECES_WEIGHT = 1.0

Feature = tuple[NDArray[np.intp], NDArray[np.float32]]


class HashingEmbedder:
    """Each word, and each of its pieces of 3 and 4 letters, adds to one signed dimension of 768.

    The dimension and the sign come from crc32 (Weinberger et al. 2009, "Feature hashing"), a word that
    occurs n times weighs 1 + ln n. A text without words gets one fixed vector, since a row has norm 1.
    """

    fingerprint = "hashing_v1"
    summary = "Hashes words and pieces of words: offline and deterministic; knows spelling, not meaning."
    min_similarity = 0.12
    picture_weight = 0.0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; see the contract."""
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word, count in Counter(stems(text)).items():
                dimensions, weights = _features(word)
                np.add.at(row, dimensions, weights * np.float32(1.0 + np.log(count)))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[norms[:, 0] == 0.0, 0] = 1.0
        norms[norms == 0.0] = 1.0
        vectors /= norms
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people look for: no different from products."""
        return self.embed(texts)


@lru_cache(maxsize=50_000)
def _features(word: str) -> Feature:
    """Return the dimensions that a word touches and what it adds to each."""
    padded = f"<{word}>"
    pieces = {padded[i : i + n] for n in PIECE_LENGTHS for i in range(len(padded) - n + 1)} - {padded}
    names = [f"word {word}", *(f"piece {piece}" for piece in sorted(pieces))]
    hashes = np.array([zlib.crc32(name.encode()) for name in names], dtype=np.int64)
    weights = np.ones(len(names), dtype=np.float32)
    if pieces:
        weights[1:] = PIECES_WEIGHT / np.sqrt(len(pieces))
    weights[(hashes >> 31) & 1 == 1] *= -1.0
    return (hashes & 0x7FFFFFFF) % DIMENSIONS, weights
