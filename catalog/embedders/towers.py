"""Both towers of a SigLIP checkpoint, loaded by open_clip: texts and pixels in, unit vectors out."""

import math
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import open_clip
import torch
from torch.nn.functional import normalize

from catalog.embedders.checkpoints import INSTALL, PREPROCESSING, Checkpoint, CheckpointUnusable, EmbedderNotInstalled
from catalog.embedders.contract import DIMENSIONS, Vectors
from catalog.embedders.decoding import Pixels
from catalog.embedders.devices import Placement
from jobs.errors import RetryableError

# What the loss starts from, before any training. Source: open_clip's CustomTextCLIP.
INITIAL_LOGIT_SCALE = math.log(1 / 0.07)
MEAN, DEVIATION = PREPROCESSING["mean"][0] * 255.0, PREPROCESSING["std"][0] * 255.0

Rows = torch.Tensor
Encode = Callable[[Rows], Rows]


class DeviceOutOfMemory(RetryableError):
    """The device has too little free memory for a single item."""

    code = "embedding.out_of_memory"


class Towers:
    """A model on its device. Threads may share it: they take turns, batch by batch."""

    def __init__(self, checkpoint: Checkpoint, placement: Placement) -> None:
        """Load the checkpoint.

        Raises:
            CheckpointUnusable: the weights do not belong to the architecture, or were never trained.
        """
        self.placement = placement
        self._lock = Lock()
        self._fit_texts, self._fit_pictures = Fitting(self._encode_tokens), Fitting(self._encode_block)
        self._dtype = getattr(torch, placement.dtype)
        self._tokenize = _tokenizer(checkpoint)
        model = _trained_model(checkpoint)
        self.image_size: tuple[int, int] = tuple(model.visual.image_size)
        self.boundary = _boundary(model)
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        if placement.kind == "cpu":
            torch.set_num_threads(placement.threads)
        elif placement.kind == "cuda" and placement.dtype == "float32":
            torch.set_float32_matmul_precision("high")
        # Weights cast once: autocast casts them again for each batch. On 2 cores, 8 pictures at a time, bfloat16:
        # 356 ms of CPU a picture, 422 with autocast, 571 in float32; cosine to float32 0.9974 and 0.9978 (random
        # weights, November 2026).
        self._model = model.to(device=placement.device, dtype=self._dtype)
        if placement.is_compiled:
            model.visual.compile()
            model.text.compile()

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts, cleaned and cut off as the model's own tokenizer does it.

        All are as long as the model's context: the text's vector is read from its last place, padding or not, so
        that nothing is won by sorting texts by length.
        """
        size = self.placement.text_batch
        batches = (texts[start : start + size] for start in range(0, len(texts), size))
        return self._encode((self._tokens(batch) for batch in batches), self._fit_texts)

    def encode_pixels(self, blocks: Iterable[Pixels]) -> Vectors:
        """Encode pictures of image_size, RGB of 8 bits, in blocks of shape (n, height, width, 3)."""
        return self._encode((torch.from_numpy(block) for block in blocks), self._fit_pictures)

    def _tokens(self, texts: Sequence[str]) -> Rows:
        with self._lock:  # a fast tokenizer breaks when two threads use it at once
            tokens: Rows = self._tokenize(list(texts))
        return tokens

    def _encode(self, batches: Iterable[Rows], encode: "Fitting") -> Vectors:
        """Return the rows of all batches; on a GPU one is copied and prepared while another is computed."""
        rows: list[Rows] = []
        with torch.inference_mode():
            for batch in batches:
                on_device = self._moved(batch)
                with self._lock:
                    rows += encode(on_device)
            if not rows:
                return np.empty((0, DIMENSIONS), dtype=np.float32)
            vectors: Vectors = torch.cat(rows).cpu().numpy()
        return vectors

    def _moved(self, batch: Rows) -> Rows:
        if self.placement.kind != "cuda":
            return batch.to(self.placement.device)
        return batch.pin_memory().to(self.placement.device, non_blocking=True)

    def _encode_tokens(self, tokens: Rows) -> Rows:
        return _unit(self._model.encode_text(tokens))

    def _encode_block(self, block: Rows) -> Rows:
        """Prepare pixels on the device: a quarter of the bytes travels, and the CPU is left to the decoding."""
        pixels = block.permute(0, 3, 1, 2).to(torch.float32).sub_(MEAN).div_(DEVIATION)
        return _unit(self._model.encode_image(pixels.to(self._dtype)))


class Fitting:
    """Encodes in parts that the memory bears: a part too many for it is halved, and later ones are no larger."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self.most: int | None = None

    def __call__(self, batch: Rows) -> list[Rows]:
        """Return what encode makes of the batch, part by part.

        Raises:
            DeviceOutOfMemory: not even one item fits.
        """
        parts = list(reversed(batch.split(self.most or len(batch))))
        encoded: list[Rows] = []
        while parts:
            part = parts.pop()
            rows = _encoded(part, self._encode)
            if rows is not None:
                encoded.append(rows)
                continue
            if len(part) == 1:
                raise DeviceOutOfMemory(f"no memory for one item on {part.device}; end what else uses it, or take cpu")
            self.most = len(part) // 2
            parts += reversed(part.split(self.most))
            if part.device.type == "cuda":
                torch.cuda.empty_cache()
        return encoded


def _encoded(part: Rows, encode: Encode) -> Rows | None:
    """Return what encode makes of it; None where memory does not suffice, its error and what that held forgotten."""
    try:
        return encode(part)
    except MemoryError:
        return None
    except RuntimeError as error:
        # A CPU's allocator, and older ones of MPS, have no exception of their own.
        if (
            isinstance(error, torch.OutOfMemoryError)
            or "allocate memory" in str(error)
            or "out of memory" in str(error)
        ):
            return None
        raise


def _unit(rows: Rows) -> Rows:
    return normalize(rows.float(), dim=-1)


def _tokenizer(checkpoint: Checkpoint) -> Callable[[list[str]], Rows]:
    try:
        tokenizer: Callable[[list[str]], Rows] = open_clip.get_tokenizer(f"local-dir:{checkpoint.folder}")
    except ImportError as error:
        raise EmbedderNotInstalled(f"the tokenizer needs transformers ({error}); install it: {INSTALL}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointUnusable(f"{checkpoint.name}: the tokenizer cannot be read: {error}") from error
    return tokenizer


def _trained_model(checkpoint: Checkpoint) -> Any:
    """Return the model with the checkpoint's weights, each of them in its place."""
    try:
        # Without require_pretrained open_clip only logs a warning and goes on with random weights.
        model = open_clip.create_model(f"local-dir:{checkpoint.folder}", require_pretrained=True, weights_only=True)
    except Exception as error:
        raise CheckpointUnusable(
            f"{checkpoint.name}: {checkpoint.weights.name} does not fit {checkpoint.folder}: {error}"
        ) from error
    prepared = {key: _plain(value) for key, value in model.visual.preprocess_cfg.items() if key in PREPROCESSING}
    if prepared != PREPROCESSING:
        raise CheckpointUnusable(f"{checkpoint.name}: open_clip would prepare pictures as {prepared}")
    start_scale = checkpoint.model_config.get("init_logit_scale", INITIAL_LOGIT_SCALE)
    start_bias = checkpoint.model_config.get("init_logit_bias")
    is_at_start = math.isclose(float(model.logit_scale), start_scale, rel_tol=1e-6) and (
        model.logit_bias is None or math.isclose(float(model.logit_bias), start_bias or 0.0, rel_tol=1e-6)
    )
    if is_at_start:
        raise CheckpointUnusable(
            f"{checkpoint.name}: the weights were never trained (logit scale and bias are what training starts from); "
            "take trained ones, such as hf-hub:timm/ViT-B-16-SigLIP"
        )
    return model.eval().requires_grad_(False)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _boundary(model: Any) -> float:
    """Return the cosine at which the model holds a text and a picture for a pair as likely as not.

    Source: SigLIP (Zhai et al. 2023): the probability of a pair is sigmoid(scale * cosine + bias).
    """
    if model.logit_bias is None:
        return 0.0
    return float(-model.logit_bias / model.logit_scale.exp())
