"""The search index, as the rest of the catalog speaks to it; its rooms are in catalog/indexes/.

PostgreSQL is the truth; everything in the index can be built again from it. The index is reached lazily, by one
client per process id: a client inherited over a fork hangs when its parent had a call in flight.
"""

from catalog.indexes.collections import (
    Kind,
    collection_name,
    drop_collection,
    ensure_collection,
    flush,
    point_alias,
)
from catalog.indexes.filters import IndexFilter
from catalog.indexes.reading import (
    held_rows,
    matching,
    nearest,
    nearest_pictures,
    row_hashes,
    vector_of,
    visible_rows,
    warm_up,
)
from catalog.indexes.rows import Facts, Hit, IndexRow
from catalog.indexes.versions import bump_version, changes, current_version
from catalog.indexes.writing import delete, upsert, write_lock

__all__ = [
    "Facts",
    "Hit",
    "IndexFilter",
    "IndexRow",
    "Kind",
    "bump_version",
    "changes",
    "collection_name",
    "current_version",
    "delete",
    "drop_collection",
    "ensure_collection",
    "flush",
    "held_rows",
    "matching",
    "nearest",
    "nearest_pictures",
    "point_alias",
    "row_hashes",
    "upsert",
    "vector_of",
    "visible_rows",
    "warm_up",
    "write_lock",
]
