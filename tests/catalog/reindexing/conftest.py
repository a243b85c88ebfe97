"""Other embedders to change to by name."""

import pytest

from catalog.embedders.current import EMBEDDERS
from tests.catalog.indexes.embedders import AbsentEmbedder, OtherEmbedder


@pytest.fixture
def other_embedders(forgotten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMBEDDERS, "other", OtherEmbedder)
    monkeypatch.setitem(EMBEDDERS, "absent", AbsentEmbedder)
