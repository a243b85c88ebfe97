"""What photos cost, and how well they are grouped (`... --grouping`: only that): `python -m tests.benchmarks.photos`.

Draws 12-megapixel JPEGs as phones make them, and improves, renders, groups each; CPU seconds by step, the memory of a
64-megapixel one in a process of its own, and which pairs are joined. Ends with 1 where a bar is missed. Needs no
services.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from PIL import Image

from catalog.embedders.layout import LayoutEmbedder
from catalog.photos import improving
from catalog.photos.cropping import find_object
from catalog.photos.grouping import group_photos, look_of
from catalog.photos.improving import improve_photo, light_curves
from catalog.photos.uploads import MAX_BYTES
from catalog.pictures import decode_picture_file, render_picture
from tests.catalog.photos.drawing import draw, jpeg, sequence

PHOTOS = 24
SEQUENCES = range(200, 212)  # seeds; none of them was used to choose the constants of grouping
WANTED_A_MINUTE = 50
SIZE_12_MP, SIZE_64_MP = (4000, 3000), (9237, 6928)
# Decoded whole, a photo of 64 megapixels is 183 MiB; the coefficients of a progressive one are as many, and are needed.
MOST_MIB = {"baseline": 96, "progressive": 288}
# Of the pairs that are joined, and of those that are of one thing; 1.00 and 0.89 were measured (November 2026).
LEAST_RIGHT, LEAST_FOUND = 0.95, 0.85


@contextmanager
def timed(spent: dict[str, float], step: str) -> Iterator[None]:
    """Add the CPU seconds of a step to what it has cost."""
    began = time.process_time()
    yield
    spent[step] += time.process_time() - began


def draw_photos(folder: Path) -> list[Path]:
    """Write photos of 12 megapixels, six different ones again and again."""
    paths: list[Path] = []
    for number in range(PHOTOS):
        path = folder / f"{number}.jpg"
        if number < 6:
            photo, _ = draw(
                size=SIZE_12_MP, shape=("disc", "block", "lamp")[number % 3], radius=0.3, noise=5, seed=number
            )
            path.write_bytes(jpeg(photo, quality=92, orientation=6 if number % 2 else 1))
        else:
            path.write_bytes(paths[number % 6].read_bytes())
        paths.append(path)
    return paths


def run_speed() -> int:
    """Print what each step costs; return 1 where a minute is not enough for so many photos."""
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_photos(Path(folder))
        size_mb = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
        for path in paths[:6]:  # the steps of improving, one by one
            with timed(spent, "  decode small"):
                small = decode_picture_file(path, side_px=improving.SIDE_PX, max_bytes=MAX_BYTES)
            with timed(spent, "  find the object"):
                find_object(small)
            with timed(spent, "  measure the light"):
                light_curves(small)
        spent = defaultdict(float, {step: used * len(paths) / 6 for step, used in spent.items()})
        rendered = []
        began = time.perf_counter()
        for path in paths:
            with timed(spent, "improve"):
                improved = improve_photo(path, max_bytes=MAX_BYTES)
            with timed(spent, "render"):
                rendered.append(render_picture(improved.jpeg))
        with timed(spent, "look and group"):
            looks = [look_of(it.thumbnail, perceptual_hash=it.perceptual_hash) for it in rendered]
            vectors = LayoutEmbedder().embed_pictures([it.thumbnail for it in rendered])
            group_photos(looks, vectors, unlike=LayoutEmbedder.min_similarity)
        took_s = time.perf_counter() - began
    rate = len(paths) * 60 / took_s
    print(f"{len(paths)} photos of 12 MP ({size_mb:.1f} MB): {took_s:.1f} s, {rate:.0f} photos/min in one process")
    for step, used in spent.items():
        print(f"  {step:20} {1000 * used / len(paths):7.1f} ms CPU a photo")
    return 0 if rate >= WANTED_A_MINUTE else 1


def run_memory(path: Path) -> int:
    """Print by how much the process grows over a photo, for a process of its own; return 1 where that is too much."""
    before_mib = _peak_mib()
    improve_photo(path, max_bytes=MAX_BYTES)
    grown_mib, most_mib = _peak_mib() - before_mib, MOST_MIB[path.stem]
    size_mb = path.stat().st_size / 1e6
    print(f"  {path.name}: {size_mb:.1f} MB, the process grew by {grown_mib:.0f} MiB (at most {most_mib})")
    return 0 if grown_mib <= most_mib else 1


def _peak_mib() -> float:
    """Return the most memory that this process has held since it began; getrusage also counts who started it."""
    return float(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def measure_memory() -> int:
    """Print what a 64-megapixel photo costs, as baseline and as progressive JPEG; return 1 where that is too much."""
    print("64 MP:", flush=True)
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        small, _ = draw(size=(2310, 1732), radius=0.3, noise=18)
        large = small.resize(SIZE_64_MP, Image.Resampling.BICUBIC)
        for name, options in (("baseline", {}), ("progressive", {"progressive": True})):
            path = Path(folder) / f"{name}.jpg"
            large.save(path, "JPEG", quality=92, **options)
            # The command is this very module, and its argument a path of ours.
            command = [sys.executable, "-m", "tests.benchmarks.photos", "--memory", str(path)]
            codes.append(subprocess.run(command, check=False).returncode)
    return int(any(codes))


def run_grouping(seeds: range) -> int:
    """Print which pairs of photos of one thing were joined, over drawn sequences; return 1 where too few are."""
    joined = right = wanted = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        for seed in seeds:
            photos, shown = sequence(7, seed=seed)
            rendered = []
            for photo in photos:
                path.write_bytes(jpeg(photo))
                rendered.append(render_picture(improve_photo(path, max_bytes=MAX_BYTES).jpeg))
            looks = [look_of(it.thumbnail, perceptual_hash=it.perceptual_hash) for it in rendered]
            vectors = LayoutEmbedder().embed_pictures([it.thumbnail for it in rendered])
            groups = group_photos(looks, vectors, unlike=LayoutEmbedder.min_similarity)
            group_of = {index: number for number, group in enumerate(groups) for index in group}
            pairs = [(a, b) for a in range(len(shown)) for b in range(a + 1, len(shown))]
            joined += sum(group_of[a] == group_of[b] for a, b in pairs)
            wanted += sum(shown[a] == shown[b] for a, b in pairs)
            right += sum(group_of[a] == group_of[b] and shown[a] == shown[b] for a, b in pairs)
    print(f"{len(seeds)} sequences: {right} of {joined} joined pairs right ({right / joined:.3f}, at least "
          f"{LEAST_RIGHT}), {right} of {wanted} found ({right / wanted:.3f}, at least {LEAST_FOUND})")  # fmt: skip
    return 0 if right >= LEAST_RIGHT * joined and right >= LEAST_FOUND * wanted else 1


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grouping", action="store_true", help="how well photos are grouped")
    parser.add_argument("--memory", metavar="PATH", type=Path, help="improve one photo and print what memory that took")
    options = parser.parse_args()
    if options.memory:
        return run_memory(options.memory)
    if options.grouping:
        return run_grouping(SEQUENCES)
    return max(run_speed(), measure_memory(), run_grouping(SEQUENCES))


if __name__ == "__main__":
    sys.exit(main())
