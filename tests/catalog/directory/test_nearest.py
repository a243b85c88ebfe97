"""The copy of the directory's vectors: exact, and in step with PostgreSQL."""

import numpy as np
import pytest

from catalog.directory import nearest
from catalog.embedders.contract import Vectors
from marketplace.models import DirectoryEntry
from tests.catalog.directory.conftest import CountingEmbedder


def unit_vectors(count: int) -> Vectors:
    vectors = np.random.default_rng(3).normal(size=(count, 768)).astype(np.float32)
    normal: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normal


@pytest.mark.django_db
def test_the_nearest_are_exact_in_order_and_narrowed(embedder: CountingEmbedder) -> None:
    vectors = unit_vectors(40)
    entries = DirectoryEntry.objects.bulk_create(
        DirectoryEntry(
            name=f"b{row}",
            embedding=vector.tobytes(),
            embedding_fingerprint="counting_1" if row < 39 else "other_1",
            embedding_version=row // 10 + 1,
            embedded_at="2026-01-01T00:00Z",
        )
        for row, vector in enumerate(vectors)
    )
    ids = [entry.pk for entry in entries]
    query = vectors[7]
    found = nearest.nearest(query, fingerprint="counting_1", limit=10, min_similarity=-1)
    cosines = vectors[:39] @ query
    order = np.argsort(-cosines)[:10]
    assert [pk for pk, _ in found] == [ids[row] for row in order]
    assert [cosine for _, cosine in found] == pytest.approx([float(cosines[row]) for row in order], abs=1e-6)
    narrowed = nearest.nearest(
        query, fingerprint="counting_1", limit=5, min_similarity=-1, among=ids[8:20], without=ids[8:18]
    )
    assert {pk for pk, _ in narrowed} == set(ids[18:20])
    assert nearest.nearest(query, fingerprint="counting_1", limit=5, min_similarity=0.9) == [
        (ids[7], pytest.approx(1, abs=1e-6))
    ]
    assert nearest.nearest(query, fingerprint="counting_1", limit=5, min_similarity=0, among=[]) == []
    assert [pk for pk, _ in nearest.nearest(vectors[39], fingerprint="other_1", limit=5, min_similarity=-1)] == [
        ids[39]
    ]


def test_a_copy_grows_overwrites_and_drops() -> None:
    vectors = unit_vectors(2_500)
    copy = nearest.Copy()
    for number, vector in enumerate(vectors, start=1):
        copy.put(number, vector)
    copy.put(9, vectors[0])
    copy.drop(10)
    copy.drop(10)
    assert (copy.used, len(copy.rows)) == (2_500, 2_499)
    assert np.array_equal(copy.vectors[copy.rows[9]], vectors[0])
    assert not copy.vectors[9].any()
    assert np.array_equal(copy.ids[: copy.used], [*range(1, 10), 0, *range(11, 2_501)])
