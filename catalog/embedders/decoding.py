"""Pictures as pixels of one size, decoded in parallel and ahead of whoever takes them."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.embedders.contract import UnreadablePicture
from catalog.pictures import UnusablePicture, decode_picture

# A JPEG keeps twice the wanted size when it is halved while it is read, so that the last step is a true resampling.
# Source: Pillow's documentation of Image.resize, reducing_gap: 2.0.
READING_GAP = 2
BLOCKS_AHEAD = 2

Pixels = NDArray[np.uint8]


def pixels_of(data: bytes, *, position: int, size: tuple[int, int]) -> Pixels:
    """Return a picture squashed to size (height, width) with bicubic resampling: RGB, shape (height, width, 3).

    Raises:
        UnreadablePicture: it cannot be decoded; `position` says which it was.
    """
    height, width = size
    try:
        image = decode_picture(data, side_px=READING_GAP * max(size))
    except UnusablePicture as error:
        raise UnreadablePicture(position, str(error)) from error
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def decoded_blocks(
    pictures: Sequence[bytes], *, size: tuple[int, int], block_size: int, threads: int
) -> Iterator[Pixels]:
    """Yield the pictures in their order as blocks of shape (block_size or less, height, width, 3).

    Threads decode two blocks more while one is used: Pillow decodes and resamples without the interpreter's lock.

    Raises:
        UnreadablePicture: one of them cannot be decoded.
    """
    pending = iter(enumerate(pictures))
    waiting: deque[Future[Pixels]] = deque()
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="decode") as pool:

        def refill() -> None:
            for position, data in islice(pending, BLOCKS_AHEAD * block_size - len(waiting)):
                waiting.append(pool.submit(pixels_of, data, position=position, size=size))

        try:
            refill()
            while waiting:
                block = [waiting.popleft().result() for _ in range(min(block_size, len(waiting)))]
                refill()
                yield np.stack(block)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
