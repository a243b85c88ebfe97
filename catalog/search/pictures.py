"""Search by picture: products that show the very same, then those that show something alike."""

import time
from collections.abc import Sequence
from functools import partial

from django.db import connection

from catalog import index
from catalog.embedders.current import current_picture_embedder
from catalog.index import Hit, IndexFilter
from catalog.likeness import MAX_BITS
from catalog.pictures import RenderedPicture, render_picture
from catalog.ranking.ranking import RankedHit
from catalog.search.answers import Answer
from catalog.search.asking import MAX_LIMIT
from catalog.search.away import from_index
from catalog.search.rows import Matcher, rows_of
from catalog.search.searching import found, took_ms_since

DEPTH = 2 * MAX_LIMIT

# Pictures that are the same file, or whose 64-bit hashes differ in a few bits: what is_same_picture() tells of two.
_SAME = """
SELECT DISTINCT picture.product_id
  FROM marketplace_picture picture
 WHERE picture.status = 'ready'
   AND (picture.sha256 = %(sha256)s
        OR picture.perceptual_hash <> ''
           AND bit_count(('x' || picture.perceptual_hash)::bit(64) # ('x' || %(hash)s)::bit(64)) <= %(bits)s)
 LIMIT %(limit)s
"""


def search_by_picture(picture: bytes, *, where: IndexFilter, limit: int = 20) -> Answer:
    """Find the products whose pictures show what this one shows, the nearest first.

    A product with the same picture scores 1 and its likeness, all others their likeness alone. Where the index is away,
    only the former are found, marked degraded. Nothing of the picture is kept.

    Raises:
        UnusablePicture: it cannot be decoded, or is too large.
    """
    started = time.perf_counter()
    rendered = render_picture(picture)
    near = from_index(partial(_alike, rendered, where, limit=DEPTH))
    hits = _merged(_same(rendered), near or ())
    matcher = Matcher(where)
    shown = {row.product_id for row in rows_of(hit.product_id for hit in hits) if not matcher.failing(row)}
    kept = [hit for hit in hits if hit.product_id in shown]
    return Answer(
        results=found({hit.product_id: hit for hit in kept[:limit]}),
        total=len(kept),
        total_is_capped=near is not None and len(near) == DEPTH,
        took_ms=took_ms_since(started),
        is_degraded=near is None,
    )


def _alike(rendered: RenderedPicture, where: IndexFilter, *, limit: int) -> list[Hit]:
    """Ask the index for what is nearest to the rendition that products' pictures are embedded by."""
    embedder = current_picture_embedder()
    (vector,) = embedder.embed_pictures([rendered.display])
    return index.nearest_pictures(
        embedder.fingerprint, vector, where=where, limit=limit, min_similarity=embedder.min_similarity
    )


def _same(rendered: RenderedPicture) -> set[int]:
    facts: dict[str, str | int] = {
        "sha256": rendered.sha256,
        "hash": rendered.perceptual_hash,
        "bits": MAX_BITS,
        "limit": DEPTH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAME, facts)
        return {product_id for (product_id,) in cursor.fetchall()}


def _merged(same: set[int], near: Sequence[Hit]) -> list[RankedHit]:
    likeness = {hit.product_id: hit.score for hit in near}
    hits = [
        RankedHit(
            product_id=product_id,
            score=float(product_id in same) + likeness.get(product_id, 0.0),
            legs={
                **({"same_picture": 1.0} if product_id in same else {}),
                **({"picture": likeness[product_id]} if product_id in likeness else {}),
            },
        )
        for product_id in same | likeness.keys()
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.product_id))
