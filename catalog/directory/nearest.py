"""The businesses whose vectors are nearest: exact, in process, over a copy that follows PostgreSQL.

10,000 vectors are 30 MB, and comparing one with all of them takes some milliseconds: no index of another service has to
be kept in step. A copy asks before each search what was written since, by `DirectoryEntry.embedding_version`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from catalog.directory.embedder import directory_embedder
from catalog.embedders.contract import DIMENSIONS
from catalog.vectors import Vector
from marketplace.models import DirectoryEntry

ROWS_A_STEP = 1_000


@dataclass
class Copy:
    """The vectors of one fingerprint, in rows that are never moved; a row that is given up is zero, near nothing."""

    fingerprint: str = ""
    version: int = 0
    rows: dict[int, int] = field(default_factory=dict)
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, DIMENSIONS), dtype=np.float32))
    used: int = 0

    def begin(self, fingerprint: str) -> None:
        """Forget everything, to follow the vectors of this fingerprint."""
        self.fingerprint, self.version, self.used = fingerprint, 0, 0
        self.rows = {}
        self.ids = np.zeros(0, dtype=np.int64)
        self.vectors = np.zeros((0, DIMENSIONS), dtype=np.float32)

    def put(self, business_id: int, vector: Vector) -> None:
        """Take a vector over; rows grow by half when they are full."""
        row = self.rows.get(business_id)
        if row is None:
            if self.used == len(self.ids):
                more = max(ROWS_A_STEP, self.used // 2)
                self.ids = np.concatenate([self.ids, np.zeros(more, dtype=np.int64)])
                self.vectors = np.concatenate([self.vectors, np.zeros((more, DIMENSIONS), dtype=np.float32)])
            row = self.rows[business_id] = self.used
            self.ids[row] = business_id
            self.used += 1
        self.vectors[row] = vector

    def drop(self, business_id: int) -> None:
        """Let go of a business."""
        row = self.rows.pop(business_id, None)
        if row is not None:
            self.vectors[row] = 0.0
            self.ids[row] = 0


_lock = Lock()
_copy = Copy()


def nearest(
    vector: Vector,
    *,
    fingerprint: str,
    limit: int,
    min_similarity: float,
    among: Collection[int] | None = None,
    without: Collection[int] = (),
) -> list[tuple[int, float]]:
    """Return ids and cosines of the businesses nearest to a vector, the nearest first.

    Args:
        vector: of norm 1.
        fingerprint: of the embedder that made it; vectors of others are not looked at.
        limit: how many at most.
        min_similarity: the least cosine.
        among: look among these only; None: among all.
        without: leave these out.
    """
    with _lock:
        _follow(fingerprint)
        ids = _copy.ids[: _copy.used]
        cosines = _copy.vectors[: _copy.used] @ vector
        is_near = cosines >= min_similarity
        if among is not None:
            is_near &= np.isin(ids, np.fromiter(among, dtype=np.int64))
        if without:
            is_near &= ~np.isin(ids, np.fromiter(without, dtype=np.int64))
        ids, cosines = ids[is_near], cosines[is_near]
    if len(ids) > limit:
        best = np.argpartition(-cosines, limit)[:limit]
        ids, cosines = ids[best], cosines[best]
    order = np.lexsort((ids, -cosines))
    return [(int(ids[at]), float(cosines[at])) for at in order]


def forget(business_ids: Collection[int]) -> None:
    """Let go of businesses that are no longer there."""
    with _lock:
        for business_id in business_ids:
            _copy.drop(business_id)


def load() -> None:
    """Copy all vectors before the first search needs them."""
    with _lock:
        _follow(directory_embedder().fingerprint)


def _follow(fingerprint: str) -> None:
    """Take over what was written since the version that the copy has."""
    if _copy.fingerprint != fingerprint:
        _copy.begin(fingerprint)
    written = DirectoryEntry.objects.filter(embedding_version__gt=_copy.version).order_by("embedding_version")
    rows = written.values_list("pk", "embedding_fingerprint", "embedding", "embedding_version")
    last = _copy.version
    for pk, its_fingerprint, embedding, version in rows.iterator(ROWS_A_STEP):
        if its_fingerprint == fingerprint and embedding is not None:
            _copy.put(pk, np.frombuffer(embedding, dtype="<f4"))
        else:
            _copy.drop(pk)
        last = version
    _copy.version = last  # only now: a version may be of many rows
