"""The pictures' collection follows the products': one row for each product that has a row and a picture to look at."""

from collections.abc import Collection, Mapping

from catalog.embedders.contract import PictureEmbedder
from catalog.indexes.collections import Kind, ensure_collection
from catalog.indexes.reading import row_hashes
from catalog.indexes.rows import Facts, IndexRow, PictureRow
from catalog.indexes.writing import delete, upsert
from catalog.inputs import picture_hash, readable_pictures
from catalog.vectors import picture_vectors

FACTS = tuple(field for field in Facts.__dataclass_fields__ if field != "input_hash")


def picture_rows(rows: Mapping[int, IndexRow], *, fingerprint: str) -> dict[int, PictureRow]:
    """Return the row that each product should have beside its row of products; none without a readable picture."""
    pictures = readable_pictures(rows, fingerprint=fingerprint)
    return {pk: _row(rows[pk], picture_hash(picture)) for pk, picture in pictures.items()}


def write_pictures(rows: Mapping[int, IndexRow], *, unwanted: Collection[int], embedder: PictureEmbedder) -> int:
    """Bring the pictures' rows of these products up to date; return how many were not. Call it under write_lock.

    Args:
        rows: the products' rows as they should be.
        unwanted: products that should have none.
        embedder: whose collection, and for pictures whose vectors are not stored.
    """
    fingerprint = embedder.fingerprint
    ensure_collection(fingerprint, Kind.PICTURES)
    expected = picture_rows(rows, fingerprint=fingerprint)
    held = row_hashes(fingerprint, [*rows, *unwanted], Kind.PICTURES)
    differing = {pk: row for pk, row in expected.items() if held.get(pk) != row.row_hash}
    vectors = picture_vectors(differing, embedder=embedder) if differing else {}
    changed = [row for pk, row in differing.items() if pk in vectors]  # the others turned out to be unreadable
    surplus = [pk for pk in held if pk not in expected or (pk in differing and pk not in vectors)]
    if changed:
        upsert(fingerprint, changed, {row.input_hash: vectors[row.product_id] for row in changed}, Kind.PICTURES)
    if surplus:
        delete(fingerprint, surplus, Kind.PICTURES)
    return len(changed) + len(surplus)


def _row(row: IndexRow, input_hash: str) -> PictureRow:
    return PictureRow(**{name: getattr(row, name) for name in FACTS}, input_hash=input_hash)
