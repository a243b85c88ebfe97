"""A tiny checkpoint of SigLIP, and what it is asked about."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from catalog.embedders.siglip import SiglipEmbedder, SiglipOptions
from tests.catalog.products import picture_bytes

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
TEXTS = ["Red lamp", "an oak chair", "blue", "", "lamp " * 200]
PICTURES = [picture_bytes(320, 240, form="PNG", seed=seed) for seed in range(20)]


def embedder_of(name: str | Path, **options: Any) -> SiglipEmbedder:
    model = name if isinstance(name, str) else f"local-dir:{name}"
    return SiglipEmbedder(replace(SiglipOptions(model, device="cpu", threads=1), **options))


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))
