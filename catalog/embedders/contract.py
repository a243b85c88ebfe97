"""What an embedder promises."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from jobs.errors import PermanentError

DIMENSIONS = 768

Vectors = NDArray[np.float32]


class UnreadablePicture(PermanentError):
    """A picture cannot be decoded."""

    code = "embedding.unreadable_picture"

    def __init__(self, position: int, problem: str) -> None:
        self.position = position
        super().__init__(f"picture {position} cannot be decoded: {problem}")


class Embedder(Protocol):
    """Turns texts into vectors that are near each other when the texts mean something alike."""

    @property
    def fingerprint(self) -> str:
        """Names the way that vectors are made; vectors of two fingerprints are never compared.

        Letters, digits and underscores only, 64 at most: it is part of a collection's name.
        """

    @property
    def summary(self) -> str:
        """Says in one sentence what it is and what it is good for."""

    @property
    def min_similarity(self) -> float:
        """The cosine below which a product has nothing to do with a query."""

    @property
    def picture_weight(self) -> float:
        """How much of a product's vector its picture makes: 0 for text alone, 1 for the picture alone.

        Above 0 the embedder is a PictureEmbedder too, and its texts and pictures share one space.
        """

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts of products, one row each, in the order given.

        Returns float32, shape (len(texts), 768), rows of L2 norm 1, equal for equal texts.
        """

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people look for; some models want to be told that a text is a query. As embed() otherwise."""


@runtime_checkable
class PacedEmbedder(Protocol):
    """An embedder that may be called only so often; see embedding_pace."""

    @property
    def gate(self) -> str:
        """Names the gate by which the jobs of all processes take turns."""

    @property
    def seconds_a_call(self) -> float:
        """How far apart the calls of jobs are to be."""

    @property
    def calls(self) -> int:
        """How many calls this process has made."""


class PictureEmbedder(Protocol):
    """Turns pictures into vectors that are near each other when the pictures show something alike."""

    @property
    def fingerprint(self) -> str:
        """Names the way that vectors are made; see Embedder."""

    @property
    def summary(self) -> str:
        """Says in one sentence what it is and what it is good for."""

    @property
    def min_similarity(self) -> float:
        """The cosine below which two pictures have nothing to do with each other."""

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Encode pictures (whole files: JPEG, PNG, WebP or GIF), one row each, in the order given.

        Returns float32, shape (len(pictures), 768), rows of L2 norm 1, equal for equal files.

        Raises:
            UnreadablePicture: one of them cannot be decoded; it says which.
        """
