"""Embedders beside the product's own, to change to."""

from collections.abc import Sequence

import numpy as np

from catalog.embedders.contract import Vectors
from catalog.embedders.hashing import HashingEmbedder
from jobs.errors import PermanentError


class OtherEmbedder(HashingEmbedder):
    """Makes other vectors of the same words."""

    fingerprint = "other_v1"

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.roll(super().embed(texts), 1, axis=1)


class NotHere(PermanentError):
    """The model's library is not installed here: install it, or choose another embedder."""

    code = "test.not_here"


class AbsentEmbedder(HashingEmbedder):
    """Cannot run here."""

    fingerprint = "absent_v1"

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise NotHere


class SpentEmbedder(HashingEmbedder):
    """Knows what was embedded, and must not embed anything."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError(f"asked to embed {len(texts)} texts again")
