"""Other embedders to change to, by name."""

from collections.abc import Iterator

import pytest

from catalog.embedders.current import EMBEDDERS
from catalog.indexes.active import forget_active_index
from tests.catalog.indexes.embedders import AbsentEmbedder, OtherEmbedder


@pytest.fixture
def other_embedders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(EMBEDDERS, "other", OtherEmbedder)
    monkeypatch.setitem(EMBEDDERS, "absent", AbsentEmbedder)
    forget_active_index()
    yield
    forget_active_index()
