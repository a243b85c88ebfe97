"""Pages from files: one result for each line of a manifest, in its order, over all cores."""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from catalog.extraction.document import MAX_PAGE_CHARACTERS
from catalog.extraction.page_data import PageData, Variant
from catalog.extraction.reading import read_page
from jobs.errors import JobError, PermanentError
from marketplace.money import Money

MAX_PAGE_BYTES = 4 * MAX_PAGE_CHARACTERS
MAX_LINE = 100_000
FEW = 16  # pages that one process reads sooner than others start
_FIELDS = (
    "title", "price", "list_price", "currency", "availability", "sku", "mpn", "brand", "gtin", "images", "variants",
    "breadcrumbs", "description", "canonical_address", "language", "evidence", "confidence",
)  # fmt: skip


class PageUnreadable(PermanentError):
    """The page's file cannot be read."""

    code = "catalog.page_unreadable"


class ManifestLineMalformed(PermanentError):
    """The manifest's line is no JSON object with an id, a path and a url."""

    code = "catalog.manifest_line_malformed"


@dataclass(frozen=True, slots=True)
class Row:
    """One page of a manifest, or why its line says none."""

    identity: Any
    path: Path | None = None
    address: str = ""
    error: str = ""


def read_manifest(lines: Iterable[str], folder: Path) -> Iterator[Row]:
    """Yield a row for each line that is not empty; a relative path is taken from the folder."""
    for line in lines:
        if not line.strip():
            continue
        try:
            said = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            yield Row(None, error="a line is no JSON object")
        elif not isinstance(said.get("path"), str) or not isinstance(said.get("url"), str) or "\0" in said["path"]:
            yield Row(said.get("id"), error='"path" and "url" must be texts')
        else:
            yield Row(said.get("id"), folder / said["path"], said["url"])


def read_file(path: Path) -> bytes:
    """Return a page's bytes, unpacked if the name ends with .gz.

    Raises:
        PageUnreadable: there is no such file, or it cannot be read or unpacked, or is too large (permanent).
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            body = file.read(MAX_PAGE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PageUnreadable(f"{path} cannot be read: {error}") from error
    if len(body) > MAX_PAGE_BYTES:
        raise PageUnreadable(f"{path} is larger than {MAX_PAGE_BYTES} bytes")
    return body


def result_of(row: Row) -> dict[str, Any]:
    """Return what a row's page says as JSON; an "error" with its code, and null fields, where it cannot be read."""
    try:
        if row.path is None:
            raise ManifestLineMalformed(row.error)
        return {"id": row.identity, **as_json(read_page(read_file(row.path), row.address))}
    except JobError as error:
        return {"id": row.identity, **dict.fromkeys(_FIELDS), "error": {"code": error.code, "message": str(error)}}


def results(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Yield the rows' results in their order; many are read by as many processes as there are cores."""
    waiting = list(rows)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(waiting) <= FEW or cores == 1:
        yield from map(result_of, waiting)
        return
    # Started afresh rather than forked: the caller may hold threads and connections.
    with ProcessPoolExecutor(min(cores, len(waiting)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(result_of, waiting, chunksize=4)


def as_json(data: PageData) -> dict[str, Any]:
    """Return what a page says in JSON's types; amounts are decimal texts, what is not said is null.

    A product that can be ordered before it is there counts as in stock, as in Zyte's product schema.
    """
    said: dict[str, Any] = {
        "title": data.title,
        "price": _amount(data.price),
        "list_price": _amount(data.list_price),
        "currency": data.currency or None,
        "availability": "InStock" if data.availability == "PreOrder" else data.availability,
        "sku": data.sku or None,
        "mpn": data.mpn or None,
        "brand": data.brand or None,
        "gtin": data.gtin or None,
        "images": list(data.images),
        "variants": [_variant(variant) for variant in data.variants],
        "breadcrumbs": [{"name": crumb.name, "url": crumb.address or None} for crumb in data.breadcrumbs],
        "description": data.description or None,
        "canonical_address": data.canonical_address or None,
        "language": data.language or None,
        "evidence": dict(data.evidence),
        "confidence": dict(data.confidence),
    }
    return said


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "options": variant.options,
        "sku": variant.sku or None,
        "gtin": variant.gtin or None,
        "price": _amount(variant.price),
        "currency": variant.price.currency or None if variant.price else None,
        "availability": variant.availability,
        "picture": variant.picture or None,
        "id": variant.identity or None,
    }


def _amount(money: Money | None) -> str | None:
    return f"{money.amount.normalize():f}" if money else None
