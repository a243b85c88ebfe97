"""The rows of a feed as products: each checked, counted, and what is wrong with it kept."""

from collections.abc import Iterator
from pathlib import Path

from catalog.sources.source import ListedProduct
from jobs.errors import PermanentError


class FeedHasNoProducts(PermanentError):
    code = "feed.no_products"


class FeedCheck:
    kind = ""
    rows = accepted = refused = problems = 0
    errors: list = []
    not_carried: list = []


def checked_products(path: Path, *, name: str, media_type: str, check: FeedCheck) -> Iterator[ListedProduct]:
    yield from ()
