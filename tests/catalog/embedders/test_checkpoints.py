"""Checkpoints: found in a folder or the hub's cache, told apart, and refused unless they are whole and trained."""

import math
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from catalog.embedders import checkpoints
from catalog.embedders.checkpoints import (
    CheckpointMissing,
    CheckpointUnusable,
    EmbedderNotInstalled,
    HubUnavailable,
    find_checkpoint,
)
from catalog.embedders.contract import DIMENSIONS
from jobs.errors import PermanentError, RetryableError
from tests.catalog.embedders.tiny import CONFIG, WEIGHTS, change_config, embedder_of


def clip_preprocessing(folder: Path) -> None:
    change_config(folder, lambda config: config["preprocess_cfg"].update(mean=[0.48, 0.46, 0.41]))


def another_width(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"].update(embed_dim=512))


def another_architecture(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(layers=3))


def no_tokenizer_named(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].pop("hf_tokenizer_name"))


def cut_off(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:100_000])


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (shutil.rmtree, CheckpointMissing, "there is no folder"),
        (lambda folder: (folder / WEIGHTS).unlink(), CheckpointMissing, f"lacks {WEIGHTS} or .* never runs on random"),
        (lambda folder: (folder / CONFIG).unlink(), CheckpointMissing, f"lacks {CONFIG}"),
        (lambda folder: (folder / "tokenizer.json").unlink(), CheckpointMissing, "lacks tokenizer.json"),
        (lambda folder: (folder / CONFIG).write_text("{}"), CheckpointUnusable, "not open_clip's configuration"),
        (clip_preprocessing, CheckpointUnusable, "prepares pictures as"),
        (lambda folder: change_config(folder, lambda it: it.pop("preprocess_cfg")), CheckpointUnusable, "preprocess"),
        (another_width, CheckpointUnusable, "512 dimensions, and the index holds 768"),
        (no_tokenizer_named, CheckpointUnusable, "no SigLIP model"),
        (another_architecture, CheckpointUnusable, "does not fit"),
        (cut_off, CheckpointUnusable, "does not fit"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), CheckpointUnusable, "tokenizer cannot be read"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_refused(
    folder: Path, spoil: Callable[[Path], object], error: type[PermanentError], said: str
) -> None:
    spoil(folder)

    with pytest.raises(error, match=said) as caught:
        embedder_of(folder).embed(["lamp"])
    assert isinstance(caught.value, PermanentError)


def test_weights_that_were_never_trained_are_refused(folder: Path, making: Any) -> None:
    making.write_weights(folder, seed=1, logit_scale=math.log(1 / 0.07), logit_bias=-10.0)

    with pytest.raises(CheckpointUnusable, match="never trained"):
        embedder_of(folder).embed(["lamp"])


def test_weights_that_make_no_numbers_are_refused(folder: Path, making: Any, torch: Any) -> None:
    load, save = import_module("safetensors.torch").load_file, making.save_file
    state = load(folder / WEIGHTS)
    save(state | {"text.ln_final.weight": state["text.ln_final.weight"] * torch.nan}, folder / WEIGHTS)

    with pytest.raises(CheckpointUnusable, match="not numbers"):
        embedder_of(folder).embed(["lamp"])


@pytest.mark.parametrize("missing", ["torch", "open_clip", "transformers"])
def test_missing_libraries_are_told_with_what_to_do(
    name: str, making: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for module in ("catalog.embedders.towers", "catalog.embedders.devices"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(EmbedderNotInstalled, match=r"install (it|them): .* --extra siglip"):
        embedder_of(name).embed(["lamp"])


def test_the_fingerprint_is_of_what_makes_vectors_and_not_of_its_place(name: str, folder: Path, making: Any) -> None:
    own = embedder_of(name).fingerprint
    assert own == embedder_of(folder).fingerprint
    assert len(own) == len("siglip_") + 16
    assert own.replace("_", "").isalnum()

    making.write_weights(folder, seed=9)
    weights = embedder_of(folder).fingerprint
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(context_length=32))
    context = embedder_of(folder).fingerprint
    tokenizer_file = folder / "tokenizer.json"
    tokenizer_file.write_text(tokenizer_file.read_text() + " ")
    tokenizer = embedder_of(folder).fingerprint

    assert len({own, weights, context, tokenizer}) == 4


@pytest.fixture
def hub(making: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the hub's cache, from which nothing reaches the network."""
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_model_of_the_hub_is_taken_from_its_cache(hub: Path, name: str) -> None:
    cached = hub / "models--timm--ViT-B-16-SigLIP"
    shutil.copytree(name.removeprefix("local-dir:"), cached / "snapshots" / "0123abcd")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0123abcd")

    embedder = embedder_of("hf-hub:timm/ViT-B-16-SigLIP")

    assert embedder.fingerprint == embedder_of(name).fingerprint
    assert embedder.embed(["lamp"]).shape == (1, DIMENSIONS)


def test_a_model_that_is_not_in_the_cache_says_what_to_do(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointMissing, match="set HF_HOME to where it lies, or set SIGLIP_MODEL=local-dir:PATH"):
        find_checkpoint("hf-hub:timm/ViT-B-16-SigLIP")

    module = import_module("huggingface_hub")
    monkeypatch.setattr(import_module("huggingface_hub.constants"), "HF_HUB_OFFLINE", False)

    def unreachable(*args: Any, **options: Any) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(module, "snapshot_download", unreachable)
    with pytest.raises(HubUnavailable, match="no route") as caught:
        find_checkpoint("hf-hub:timm/ViT-B-16-SigLIP")
    assert isinstance(caught.value, RetryableError)


def test_the_digest_is_taken_once_for_a_file(name: str) -> None:
    checkpoints._digest.cache_clear()
    find_checkpoint(name)
    find_checkpoint(name)

    assert (checkpoints._digest.cache_info().misses, checkpoints._digest.cache_info().hits) == (1, 1)
