"""A Milvus to be killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.indexes.server import Server


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    """A Milvus that is not started yet, in the place of the settings' own."""
    server = Server(tmp_path / "milvus")
    settings.MILVUS_URI = f"http://127.0.0.1:{server.port}"
    yield server
    server.kill()
