"""Read a feed's products."""

from collections.abc import Iterator
from datetime import datetime

from catalog.feeds.contract import FeedProduct, RowError
from catalog.feeds.folding import Folder
from catalog.feeds.mapping import Mapper
from catalog.feeds.opening import Feed


def read_products(feed: Feed, *, now: datetime) -> Iterator[FeedProduct | RowError]:
    """Yield each product of a feed once, and an error for each row that is none; groups come when they are whole.

    Raises:
        FeedUnreadable: the file went away (permanent).
    """
    mapper = Mapper(feed.kind, now=now)
    folder = Folder(feed.kind)
    for row in feed.rows():
        if isinstance(row, RowError):
            yield row
            continue
        mapped = mapper.map_row(row)
        if isinstance(mapped, RowError):
            yield mapped
        else:
            yield from folder.add(mapped)
    yield from folder.finish()
