"""Feeds on disk, in a private folder: as they came, and their products as the check of all rows left them.

The products stand in a file of JSON lines beside the feed, so that each job reads its own thousand at once: a feed has
no index, and whether a row repeats another's id is known only to who has read all before it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.contents import content_of, kept_content
from catalog.sources.source import CategoryStep, ListedProduct
from jobs.errors import RetryableError

PART_PRODUCTS = 1_000


class FeedFileAway(RetryableError):
    """The feed's file is not in FEED_DIR of this machine."""

    code = "feed.file_away"


class FeedNotStored(RetryableError):
    """There is no room for the feed in FEED_DIR."""

    code = "feed.not_stored"


@dataclass(frozen=True, slots=True)
class Part:
    """Some products of a feed: where their lines begin, and how many they are."""

    offset: int
    products: int


def feed_path(feed_id: int) -> Path:
    """Name the file of a feed as it came."""
    return _folder() / f"{feed_id}.feed"


def products_path(feed_id: int) -> Path:
    """Name the file of a feed's products."""
    return _folder() / f"{feed_id}.products"


def present_feed(feed_id: int) -> Path:
    """Return the file of a feed that is here.

    Raises:
        FeedFileAway: it is not, or not on this machine (retryable).
    """
    path = feed_path(feed_id)
    if not path.exists():
        raise FeedFileAway(f"feed {feed_id} is not in FEED_DIR, which all machines must share")
    return path


def remove_feeds(feed_ids: Iterable[int]) -> None:
    """Remove all files of these feeds; those that are not there do not matter."""
    for feed_id in feed_ids:
        for path in (feed_path(feed_id), products_path(feed_id)):
            path.unlink(missing_ok=True)
            _draft(path).unlink(missing_ok=True)


def store_feed(feed_id: int, chunks: Iterable[bytes]) -> None:
    """Write a feed that a seller sent.

    Raises:
        FeedNotStored: there is no room (retryable).
    """
    with new_file(feed_path(feed_id)) as draft, draft.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the name at the end: a reader sees all of the file or nothing.

    Raises:
        FeedNotStored: there is no room (retryable).
    """
    draft = _draft(path)
    try:
        draft.touch(mode=0o600)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise FeedNotStored(f"{path.name}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def write_products(path: Path, products: Iterable[ListedProduct]) -> list[Part]:
    """Write products as JSON lines; return the parts in which they are to be read."""
    parts: list[Part] = []
    offset = begins_at = count = 0
    with path.open("wb") as file:
        for product in products:
            offset += file.write(_line_of(product))
            count += 1
            if count == PART_PRODUCTS:
                parts.append(Part(begins_at, count))
                begins_at, count = offset, 0
    return [*parts, Part(begins_at, count)] if count else parts


def read_part(feed_id: int, part: Part) -> list[ListedProduct]:
    """Return the products of a part.

    Raises:
        FeedFileAway: the file is not here (retryable).
    """
    path = products_path(feed_id)
    try:
        with path.open("rb") as file:
            file.seek(part.offset)
            return [_product_of(json.loads(file.readline())) for _ in range(part.products)]
    except FileNotFoundError as error:
        raise FeedFileAway(f"the products of feed {feed_id} are not in FEED_DIR, which all machines share") from error


def _folder() -> Path:
    folder = Path(settings.FEED_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _draft(path: Path) -> Path:
    return path.with_name(f".draft-{path.name}")


def _line_of(product: ListedProduct) -> bytes:
    kept: dict[str, Any] = {
        "id": product.external_id,
        "address": product.address,
        "content": None if product.content is None else kept_content(product.content),
        "paths": [[step.name for step in path] for path in product.paths],
    }
    return json.dumps(kept, ensure_ascii=False).encode(errors="replace") + b"\n"


def _product_of(kept: dict[str, Any]) -> ListedProduct:
    paths: Sequence[Sequence[str]] = kept["paths"]
    return ListedProduct(
        kept["id"],
        kept["address"],
        None if kept["content"] is None else content_of(kept["content"]),
        tuple(tuple(CategoryStep(name) for name in path) for path in paths),
    )
