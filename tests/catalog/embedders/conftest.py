"""SigLIP by a tiny checkpoint, which is loaded as real ones are.

The import of torch costs seconds: it stands in fixtures, so that test processes that only collect these files are
spared, and the files that use it are run by one process (USES_TORCH).
"""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from catalog.embedders.siglip import SiglipEmbedder
from tests.catalog.embedders.tiny import embedder_of


@pytest.fixture(scope="session")
def making() -> Any:
    made = import_module("tests.checkpoints")
    made.torch.set_num_threads(1)  # several wait for each other actively: on a busy machine for ever
    return made


@pytest.fixture(scope="session")
def torch(making: Any) -> Any:
    return making.torch


@pytest.fixture(scope="session")
def name(making: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    made: str = making.make_checkpoint(tmp_path_factory.mktemp("siglip"))
    return made


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(name.removeprefix("local-dir:"), tmp_path / "copy"))


@pytest.fixture(scope="session")
def exact(name: str) -> SiglipEmbedder:
    return embedder_of(name, dtype="float32")


@pytest.fixture(scope="session")
def short(name: str) -> SiglipEmbedder:
    return embedder_of(name, dtype="bfloat16")
