"""Our SigLIP beside open_clip as its README uses it: pictures and texts a second, on one model of the real size.

Run by `make bench-embed`. The architecture is ViT-B-16-SigLIP as open_clip has it; its weights are random and made
here, for speed alone. Prints a table and, last, one JSON object; exits 1 when a target is missed. Needs 3 GB of memory.

plain: one file after the other: open, preprocess, encode_image, in float32; a text at a time likewise.
batched: the same in batches of the size that ours takes, in inference mode: what remains is number format and decoding.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

import numpy as np
import open_clip
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from catalog.embedders.decoding import decoded_blocks
from catalog.embedders.siglip import SiglipEmbedder, SiglipOptions
from catalog.embedders.speed import TEXT, drawn_jpeg
from tests.benchmarks.verdict import Target
from tests.checkpoints import make_checkpoint

ARCHITECTURE = "ViT-B-16-SigLIP"
RATIO_TARGET = 2.0
CUDA_PICTURES_PER_S_TARGET = 5_000.0
DECODED_TENSORS = 4_096
# Dense bfloat16, no sparsity, FLOP/s. Source: NVIDIA's data sheets of the SXM cards.
CUDA_PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}

Rows = np.ndarray
Work = Callable[[Sequence[Any]], Rows]


class Peer:
    """open_clip by itself, in float32."""

    def __init__(self, name: str, *, device: str, picture_batch: int, text_batch: int) -> None:
        model, _, self.preprocess = open_clip.create_model_and_transforms(name)
        self.model = model.eval().to(device)
        self.tokenize = open_clip.get_tokenizer(name)
        self.device, self.picture_batch, self.text_batch = device, picture_batch, text_batch

    def plain_pictures(self, files: Sequence[bytes]) -> Rows:
        rows = []
        with torch.no_grad():
            for data in files:
                image = self.preprocess(Image.open(BytesIO(data))).unsqueeze(0).to(self.device)
                rows.append(self.model.encode_image(image, normalize=True).cpu().numpy())
        return np.concatenate(rows)

    def plain_texts(self, texts: Sequence[str]) -> Rows:
        with torch.no_grad():
            return np.concatenate(
                [
                    self.model.encode_text(self.tokenize([text]).to(self.device), normalize=True).cpu().numpy()
                    for text in texts
                ]
            )

    def batched_pictures(self, files: Sequence[bytes]) -> Rows:
        rows = []
        with torch.inference_mode():
            for batch in _batches(files, self.picture_batch):
                images = torch.stack([self.preprocess(Image.open(BytesIO(data))) for data in batch]).to(self.device)
                rows.append(self.model.encode_image(images, normalize=True).cpu().numpy())
        return np.concatenate(rows)

    def batched_texts(self, texts: Sequence[str]) -> Rows:
        rows = []
        with torch.inference_mode():
            for batch in _batches(texts, self.text_batch):
                tokens = self.tokenize(list(batch)).to(self.device)
                rows.append(self.model.encode_text(tokens, normalize=True).cpu().numpy())
        return np.concatenate(rows)


def main() -> int:
    """Measure by turns, so that what else the machine does meets all."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        name = make_checkpoint(Path(folder), open_clip.get_model_config(ARCHITECTURE))
        ours = SiglipEmbedder(
            SiglipOptions(name, device=options.device, threads=options.threads, is_compiled=options.compile)
        )
        placement = ours.load().towers.placement
        peer = Peer(
            name,
            device=placement.device,
            picture_batch=placement.picture_batch,
            text_batch=placement.text_batch,
        )
    pictures = [drawn_jpeg(seed, side_px=options.side) for seed in range(options.pictures)]
    texts = [TEXT.format(number=number) for number in range(options.texts)]
    systems: dict[str, dict[str, Work]] = {
        "pictures": {"plain": peer.plain_pictures, "batched": peer.batched_pictures, "ours": ours.embed_pictures},
        "texts": {"plain": peer.plain_texts, "batched": peer.batched_texts, "ours": ours.embed},
    }
    figures: dict[str, Any] = {"placement": asdict(placement), "rounds": options.rounds, "side_px": options.side}
    figures["load_before"] = round(os.getloadavg()[0], 2)
    for kind, items in (("pictures", pictures), ("texts", texts)):
        figures |= _measured(kind, items, systems[kind], rounds=options.rounds)
    figures |= _query_latency(peer, ours, rounds=options.rounds)
    figures |= _decoding(pictures, size=ours.load().towers.image_size, threads=placement.threads)
    if placement.kind == "cuda":
        figures |= _from_tensors(ours, peer)
    judged = _targets(figures, on_cuda=placement.kind == "cuda")
    _show(figures, judged)
    is_met = all(target.is_met for target in judged)
    print(json.dumps(figures | {"targets": [asdict(target) for target in judged], "is_met": is_met}))
    return int(not is_met)


def _options() -> Any:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=32, help="JPEGs a round (default: %(default)s)")
    parser.add_argument("--texts", type=int, default=64, help="texts a round (default: %(default)s)")
    parser.add_argument("--side", type=int, default=800, help="width and height of a picture (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU, for all alike; 0: all")
    parser.add_argument("--compile", action="store_true", help="ours with torch.compile")
    return parser.parse_args()


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _measured(kind: str, items: Sequence[Any], works: Mapping[str, Work], *, rounds: int) -> dict[str, Any]:
    """Return rates, ratios within a round, and how near the vectors are to the plain ones."""
    size = min(len(items), 8)
    rows = {name: work(items[:size]) for name, work in works.items()}  # this warms up too
    rates: dict[str, list[float]] = {name: [] for name in works}
    cpu_ms: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            cpu, started = time.process_time(), time.perf_counter()
            work(items)
            rates[name].append(len(items) / (time.perf_counter() - started))
            cpu_ms[name].append((time.process_time() - cpu) / len(items) * 1000.0)
    return {
        **{f"{name}_{kind}_per_s": _median(found) for name, found in rates.items()},
        **{f"{name}_{kind}_cpu_ms": _median(found) for name, found in cpu_ms.items()},
        **{
            f"{kind}_x_{peer}": _median(own / other for own, other in zip(rates["ours"], rates[peer], strict=True))
            for peer in ("plain", "batched")
        },
        f"{kind}_least_cosine": round(float((rows["ours"] * rows["plain"]).sum(axis=1).min()), 4),
    }


def _query_latency(peer: Peer, ours: SiglipEmbedder, *, rounds: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(5 * rounds):
        query = [f"red table lamp {number}"]
        for name, work in (("plain", peer.plain_texts), ("ours", ours.embed_queries)):
            started = time.perf_counter()
            work(query)
            found[name].append((time.perf_counter() - started) * 1000.0)
    return {f"{name}_query_p50_ms": _median(times) for name, times in found.items()}


def _decoding(files: Sequence[bytes], *, size: tuple[int, int], threads: int) -> dict[str, Any]:
    started = time.perf_counter()
    for _ in decoded_blocks(files, size=size, block_size=8, threads=threads):
        pass
    return {"decoded_pictures_per_s": round(len(files) / (time.perf_counter() - started), 1)}


def _from_tensors(ours: SiglipEmbedder, peer: Peer) -> dict[str, Any]:
    """Return what a GPU makes of pixels that are there already, and which share of its peak that is."""
    towers = ours.load().towers
    height, width = towers.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (DECODED_TENSORS, height, width, 3), dtype=np.uint8)
    size = towers.placement.picture_batch
    blocks = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    rates = []
    for _ in range(4):  # the first one warms up
        started = time.perf_counter()
        towers.encode_pixels(blocks)
        rates.append(len(pixels) / (time.perf_counter() - started))
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        peer.model.encode_image(torch.zeros(1, 3, height, width, device=peer.device))
    card = torch.cuda.get_device_name(towers.placement.device)
    peak = next((value for name, value in CUDA_PEAKS.items() if name in card), None)
    per_s = _median(rates[1:])
    return {
        "card": card,
        "pictures_per_s_from_tensors": per_s,
        "gflop_a_picture": round(counter.get_total_flops() / 1e9, 2),
        "share_of_peak": round(per_s * counter.get_total_flops() / peak, 3) if peak else None,
    }


def _targets(figures: Mapping[str, Any], *, on_cuda: bool) -> list[Target]:
    judged = [
        Target(f"{kind}, x plain open_clip", figures[f"{kind}_x_plain"], RATIO_TARGET) for kind in ("pictures", "texts")
    ]
    if on_cuda:
        judged.append(
            Target("pictures/s from tensors", figures["pictures_per_s_from_tensors"], CUDA_PICTURES_PER_S_TARGET)
        )
    return judged


def _show(figures: Mapping[str, Any], judged: Sequence[Target]) -> None:
    table = Table("figure", "value")
    for key, value in figures.items():
        table.add_row(key, str(value))
    for target in judged:
        table.add_row(target.name, f"{target.value:g} of {target.bound:g}: {'met' if target.is_met else 'MISSED'}")
    Console().print(table)


def _median(values: Any) -> float:
    return round(float(statistics.median(values)), 2)


if __name__ == "__main__":
    sys.exit(main())
