"""What an embedder promises."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 768

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors that are near each other when the texts mean something alike."""

    @property
    def fingerprint(self) -> str:
        """Names the way that vectors are made; vectors of two fingerprints are never compared.

        Letters, digits and underscores only: it is part of a collection's name.
        """

    @property
    def min_similarity(self) -> float:
        """The cosine below which a text has nothing to do with a query."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts, one row each, in the order given.

        Returns float32, shape (len(texts), 768), rows of L2 norm 1, equal for equal texts.
        """
