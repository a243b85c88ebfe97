"""Checkpoints of SigLIP: found on the hub or in a folder, complete, of the right shape, and told by a fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from catalog.embedders.contract import DIMENSIONS
from jobs.errors import PermanentError, RetryableError

CONFIG = "open_clip_config.json"
TOKENIZER = "tokenizer.json"
# In the order in which open_clip looks into a folder: the first one that is there is the one that it loads.
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin")
# What SigLIP was trained with. Where a configuration says nothing, open_clip takes CLIP's, and vectors are worthless.
PREPROCESSING: Mapping[str, Any] = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}
# Grows when our own part in making vectors changes: how pictures are decoded, what is cast to what.
RECIPE = 1
INSTALL = "python -m uv pip install -r pyproject.toml --extra siglip"


class EmbedderNotInstalled(PermanentError):
    """The libraries of the embedder are not installed."""

    code = "embedding.not_installed"


class CheckpointMissing(PermanentError):
    """There is no checkpoint, or a part of it is missing."""

    code = "embedding.checkpoint_missing"


class CheckpointUnusable(PermanentError):
    """The checkpoint is not one that this embedder can run."""

    code = "embedding.checkpoint_unusable"


class HubUnavailable(RetryableError):
    """The hub does not answer."""

    code = "embedding.hub_unavailable"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with a model's configuration, its weights and its tokenizer."""

    name: str
    folder: Path
    weights: Path
    weights_digest: str
    config: Mapping[str, Any]

    @property
    def model_config(self) -> Mapping[str, Any]:
        """The architecture, in open_clip's words."""
        config: Mapping[str, Any] = self.config["model_cfg"]
        return config

    @property
    def fingerprint(self) -> str:
        """Name the vectors that it makes: of architecture, weights, tokenizer and preprocessing, not of its place."""
        tokenizer = hashlib.sha256((self.folder / TOKENIZER).read_bytes()).hexdigest()
        parts = {"recipe": RECIPE, "config": self.config, "weights": self.weights_digest, "tokenizer": tokenizer}
        return f"siglip_{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]}"


def library(name: str) -> Any:
    """Return a library, or a module of ours, that only the extra `siglip` makes loadable.

    Raises:
        EmbedderNotInstalled: it, or what it needs, is not there, or does not fit the others.
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # torchvision that does not fit torch: a RuntimeError
        raise EmbedderNotInstalled(
            f"the siglip embedder cannot load its libraries ({error}); install them: {INSTALL}"
        ) from error


def find_checkpoint(name: str) -> Checkpoint:
    """Return the checkpoint of `hf-hub:ORG/NAME` (fetched once) or `local-dir:PATH`, all its parts there.

    Raises:
        CheckpointMissing: no such folder or repository, or one without configuration, weights or tokenizer.
        CheckpointUnusable: another width, other preprocessing, or no tokenizer of its own.
        EmbedderNotInstalled: huggingface_hub is missing.
        HubUnavailable: the hub does not answer (retryable).
    """
    schema, _, place = name.partition(":")
    folder = _fetched(place) if schema == "hf-hub" else Path(place).expanduser().absolute()
    if not folder.is_dir():
        raise CheckpointMissing(f"SIGLIP_MODEL={name}: there is no folder {folder}")
    weights = next((folder / each for each in WEIGHTS if (folder / each).is_file()), None)
    missing = [each for each in (CONFIG, TOKENIZER) if not (folder / each).is_file()]
    if weights is None:
        missing.append(" or ".join(WEIGHTS))
    if weights is None or missing:
        raise CheckpointMissing(
            f"SIGLIP_MODEL={name}: {folder} lacks {', '.join(missing)}; a checkpoint that open_clip's "
            "push_to_hf_hub.save_for_hf wrote has all of it. Souk never runs on random weights."
        )
    config = _checked_config(name, folder / CONFIG)
    facts = weights.stat()
    digest = _digest(weights.resolve(), facts.st_size, facts.st_mtime_ns)
    return Checkpoint(name=name, folder=folder, weights=weights, weights_digest=digest, config=config)


def _fetched(repository: str) -> Path:
    """Return the folder of the hub's cache that holds the repository, fetched where it is not there yet."""
    hub = library("huggingface_hub")
    errors = library("huggingface_hub.errors")
    wanted = [CONFIG, "tokenizer*", "special_tokens_map.json"]
    try:
        for weights in WEIGHTS:
            folder = Path(hub.snapshot_download(repository, allow_patterns=[*wanted, weights]))
            if (folder / weights).is_file():
                break
    except errors.RepositoryNotFoundError as error:
        raise CheckpointMissing(f"there is no repository {repository} on the hub, or it needs a token") from error
    except OSError as error:  # all of the hub's are
        if library("huggingface_hub.constants").is_offline_mode():
            raise CheckpointMissing(
                f"{repository} is not in the hub's cache, and HF_HUB_OFFLINE forbids to fetch it: fetch it on a "
                "machine with a network and set HF_HOME to where it lies, or set SIGLIP_MODEL=local-dir:PATH"
            ) from error
        raise HubUnavailable(f"{repository} cannot be fetched from the hub: {error}") from error
    return folder


def _checked_config(name: str, path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model, preprocessing = config["model_cfg"], config["preprocess_cfg"]
        width, tokenizer = model["embed_dim"], model["text_cfg"].get("hf_tokenizer_name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointUnusable(
            f"SIGLIP_MODEL={name}: {path.name} is not open_clip's configuration of a model ({error!r})"
        ) from error
    if width != DIMENSIONS:
        raise CheckpointUnusable(
            f"SIGLIP_MODEL={name} makes vectors of {width} dimensions, and the index holds {DIMENSIONS}: take a base "
            "model such as hf-hub:timm/ViT-B-16-SigLIP"
        )
    if not tokenizer:
        raise CheckpointUnusable(f"SIGLIP_MODEL={name} names no hf_tokenizer_name: it is no SigLIP model")
    found = {key: preprocessing.get(key) for key in PREPROCESSING}
    if found != PREPROCESSING:
        raise CheckpointUnusable(f"SIGLIP_MODEL={name} prepares pictures as {found}, SigLIP as {dict(PREPROCESSING)}")
    return {"model_cfg": model, "preprocess_cfg": found}


@lru_cache(maxsize=4)
def _digest(path: Path, size_bytes: int, modified_ns: int) -> str:
    """Return the SHA-256 of a file: 0.6 s for the 813 MB of ViT-B-16-SigLIP (November 2026), once a process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
