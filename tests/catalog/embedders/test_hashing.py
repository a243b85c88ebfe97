"""Embedders: unit rows of 768, equal for equal texts, nearer for nearer texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.embedders.contract import DIMENSIONS
from catalog.embedders.current import current_embedder
from catalog.embedders.hashing import HashingEmbedder

embedder = HashingEmbedder()


@given(st.lists(st.text(max_size=60), max_size=5))
def test_each_text_gets_one_unit_row_in_its_place(texts: list[str]) -> None:
    vectors = embedder.embed(texts)

    assert vectors.shape == (len(texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    for text, row in zip(texts, vectors, strict=True):
        assert np.array_equal(embedder.embed([text])[0], row)


def test_vectors_are_the_same_for_ever() -> None:
    """Stored vectors outlive the process: a change of the formula needs another fingerprint."""
    (row,) = embedder.embed(["Copper lamp"])

    assert embedder.fingerprint == "hashing_v1"
    assert np.flatnonzero(row)[:4].tolist() == [5, 19, 47, 74]


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("lamp", "red table lamp", "red table cloth"),
        ("lampp", "red table lamp", "oak chair"),
        ("wooden chair", "chair made of wood", "steel kettle"),
        ("café table", "CAFE TABLES", "garden hose"),
    ],
)
def test_a_query_is_nearer_to_what_it_names(query: str, near: str, far: str) -> None:
    vectors = embedder.embed([query, near, far])

    near_similarity, far_similarity = vectors[0] @ vectors[1], vectors[0] @ vectors[2]

    assert near_similarity > far_similarity
    assert near_similarity > embedder.min_similarity


@pytest.mark.django_db
def test_the_settings_name_the_embedder_of_a_new_installation() -> None:
    assert isinstance(current_embedder(), HashingEmbedder)
    assert current_embedder() is current_embedder()
