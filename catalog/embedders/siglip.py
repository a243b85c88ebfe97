"""Embed texts and pictures by SigLIP: one space for both, by a model that open_clip loads.

Nothing here imports torch before the first text or picture: Django starts without it.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from PIL import Image

from catalog.embedders.checkpoints import Checkpoint, CheckpointUnusable, find_checkpoint, library
from catalog.embedders.contract import Vectors
from catalog.embedders.decoding import decoded_blocks

if TYPE_CHECKING:
    from catalog.embedders.towers import Towers

# Short texts that have nothing to do with each other, as near as a model holds such.
UNRELATED = (
    "a red wool scarf", "four winter tyres", "green tea from Japan", "a novel about the sea", "usb charging cable",
    "garden hose", "silver wedding ring", "dog food with chicken", "oak dining table", "guitar strings",
    "baby shampoo", "cordless drill", "running shoes", "wall calendar", "frozen pizza", "curtain rail",
    "fishing rod", "printer ink", "rose perfume", "chess board", "bicycle bell", "olive oil", "desk lamp", "yoga mat",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SiglipOptions:
    """What a deployment may choose; see deploy/.env.example."""

    model: str
    picture_weight: float = 0.5
    device: str = "auto"
    dtype: str = "auto"
    threads: int = 0
    is_compiled: bool = False


@dataclass(frozen=True, slots=True)
class _Loaded:
    towers: "Towers"
    background: float


@dataclass(slots=True, eq=False)
class SiglipEmbedder:
    """Texts and pictures of one thing are near each other. Loaded once, at the first use; threads may share it."""

    options: SiglipOptions
    _checkpoint: Checkpoint | None = None
    _loaded: _Loaded | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    summary = "SigLIP: texts and pictures in one space, by meaning; wants a GPU, or patience."

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, found and complete; see find_checkpoint for its errors."""
        with self._lock:
            return self._found()

    @property
    def fingerprint(self) -> str:
        """Name the vectors: of architecture, weights, tokenizer and preprocessing; the same on every device."""
        return self.checkpoint.fingerprint

    @property
    def picture_weight(self) -> float:
        """What the settings say."""
        return self.options.picture_weight

    @property
    def min_similarity(self) -> float:
        """The cosine of a text to a product that has nothing to do with it, as this model sees such.

        For normalise((1 - w) * text + w * picture): to the text as near as unrelated texts are to each other, to the
        picture orthogonal; text and picture at the boundary where the model begins to hold them for a pair.
        """
        loaded = self.load()
        return unrelated_similarity(
            background=loaded.background, boundary=loaded.towers.boundary, picture_weight=self.picture_weight
        )

    def load(self) -> _Loaded:
        """Load and warm up, unless that was done before.

        Raises:
            EmbedderNotInstalled: torch, open_clip or transformers are missing.
            CheckpointMissing: the checkpoint, or a part of it, is not there.
            CheckpointUnusable: it does not fit itself or the index, or was never trained.
            DeviceMissing: the settings name a device that is not there.
            HubUnavailable: the hub does not answer (retryable).
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._found(), self.options)
            return self._loaded

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; see the contract. The errors are those of load()."""
        return self.load().towers.encode_texts(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people look for: no different from products."""
        return self.embed(texts)

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Encode pictures; see the contract. The errors are those of load(), and UnreadablePicture."""
        towers = self.load().towers
        placement = towers.placement
        blocks = decoded_blocks(
            pictures, size=towers.image_size, block_size=placement.picture_batch, threads=placement.threads
        )
        return towers.encode_pixels(blocks)

    def details(self) -> Mapping[str, str | int | float]:
        """Tell what was loaded, and where it runs."""
        towers, checkpoint = self.load().towers, self.checkpoint
        placement = towers.placement
        return {
            "model": checkpoint.name,
            "weights": str(checkpoint.weights),
            "weights_sha256": checkpoint.weights_digest,
            "parameters": towers.parameters,
            "device": placement.device,
            "dtype": placement.dtype,
            "threads": placement.threads,
            "compiled": "yes" if placement.is_compiled else "no",
            "pictures_per_batch": placement.picture_batch,
            "texts_per_batch": placement.text_batch,
            "picture_weight": self.picture_weight,
        }

    def _found(self) -> Checkpoint:
        if self._checkpoint is None:
            self._checkpoint = find_checkpoint(self.options.model)
        return self._checkpoint


def siglip_of_settings() -> SiglipEmbedder:
    """Return the embedder as the settings want it; nothing is loaded yet."""
    return SiglipEmbedder(
        SiglipOptions(
            model=settings.SIGLIP_MODEL,
            picture_weight=settings.SIGLIP_PICTURE_WEIGHT,
            device=settings.SIGLIP_DEVICE,
            dtype=settings.SIGLIP_DTYPE,
            threads=settings.SIGLIP_THREADS,
            is_compiled=settings.SIGLIP_COMPILE,
        )
    )


def unrelated_similarity(*, background: float, boundary: float, picture_weight: float) -> float:
    """Return the cosine of a text to an unrelated product; see SiglipEmbedder.min_similarity."""
    text, picture = 1.0 - picture_weight, picture_weight
    return text * background / math.sqrt(text**2 + picture**2 + 2.0 * text * picture * boundary)


def _load(checkpoint: Checkpoint, options: SiglipOptions) -> _Loaded:
    towers_module = library("catalog.embedders.towers")
    placement = library("catalog.embedders.devices").choose_placement(
        device=options.device, dtype=options.dtype, threads=options.threads, is_compiled=options.is_compiled
    )
    towers = towers_module.Towers(checkpoint, placement)
    texts = towers.encode_texts(UNRELATED)
    (picture,) = towers.encode_pixels(
        decoded_blocks([_blank_picture()], size=towers.image_size, block_size=1, threads=1)
    )
    if not (np.isfinite(texts).all() and np.isfinite(picture).all()):
        raise CheckpointUnusable(f"{checkpoint.name} makes vectors that are not numbers; set SIGLIP_DTYPE=float32")
    cosines = (texts @ texts.T)[np.triu_indices(len(texts), k=1)]
    return _Loaded(towers=towers, background=float(np.percentile(cosines, 95)))


def _blank_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(out, "PNG")
    return out.getvalue()
